/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stddef.h>
#include <time.h>

/* Nanoseconds between two questions. A person does not notice the delay, and the answer may cost the turn of another
 * thread of the program. */
enum { PERIOD = 50000000, SECOND = 1000000000 };

/* What the clock below may be late. */
enum { LATENESS = 10000000 };

/* Some milliseconds late, but cheap enough to ask after every step of an execution. */
static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

void pyaclmdlSetInterruption(int32_t (*is_interrupted)(void))
{
    pyaclmdl_own.is_interrupted = is_interrupted;
}

bool pyaclmdlCanBeInterrupted(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    own->next_question = 0;
    return own->is_interrupted != NULL;
}

uint64_t pyaclmdl_next_question(struct pyaclmdl_thread *own)
{
    /* The clock is read only for what takes several steps or waits. */
    if (!own->next_question)
        own->next_question = now() + PERIOD;
    return own->next_question;
}

bool pyaclmdlIsInterrupted(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    if (!own->is_interrupted || now() + LATENESS < pyaclmdl_next_question(own))
        return false;
    uint32_t depth = pyaclmdlPause();
    bool is_interrupted = own->is_interrupted() != 0;
    own->next_question = now() + PERIOD;
    pyaclmdlResume(depth);
    return is_interrupted;
}
