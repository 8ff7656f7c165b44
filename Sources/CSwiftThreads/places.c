/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct pyaclmdlMutex {
    pthread_mutex_t mutex;
};

/* Where threads wait. All are in one list, because threads that wait are outside: the forked child has neither them nor
 * what they have left in the lock and the condition. */
struct pyaclmdlPlace {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    /* The thread that has taken the turn, and how often. */
    _Atomic(void *) holder;
    uint32_t depth;
    struct pyaclmdlPlace *previous;
    struct pyaclmdlPlace *next;
};

static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
static struct pyaclmdlPlace *first;

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        abort();
    return memory;
}

pyaclmdlMutex *pyaclmdlMutexMake(void)
{
    pyaclmdlMutex *mutex = allocate(sizeof *mutex);

    pthread_mutex_init(&mutex->mutex, NULL);
    return mutex;
}

void pyaclmdlMutexEnd(pyaclmdlMutex *mutex)
{
    pthread_mutex_destroy(&mutex->mutex);
    free(mutex);
}

#ifdef DEBUG
#define COUNT_LOCKS(own, change) ((own)->locks += (change))
#else
#define COUNT_LOCKS(own, change) ((void)(own))
#endif

static void lock(pthread_mutex_t *mutex)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    pyaclmdl_go_inside(own);
    pthread_mutex_lock(mutex);
    COUNT_LOCKS(own, 1);
}

static void unlock(pthread_mutex_t *mutex)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    COUNT_LOCKS(own, -1);
    pthread_mutex_unlock(mutex);
    pyaclmdl_go_outside(own);
}

void pyaclmdlMutexLock(pyaclmdlMutex *mutex)
{
    lock(&mutex->mutex);
}

void pyaclmdlMutexUnlock(pyaclmdlMutex *mutex)
{
    unlock(&mutex->mutex);
}

/* Places. */

static void prepare(struct pyaclmdlPlace *place)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&place->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&place->condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct pyaclmdlPlace *make(void)
{
    struct pyaclmdlPlace *place = allocate(sizeof *place);

    prepare(place);
    lock(&list);
    place->next = first;
    if (first)
        first->previous = place;
    first = place;
    unlock(&list);
    return place;
}

static void end(struct pyaclmdlPlace *place)
{
    lock(&list);
    if (place->previous)
        place->previous->next = place->next;
    else
        first = place->next;
    if (place->next)
        place->next->previous = place->previous;
    unlock(&list);
    pthread_cond_destroy(&place->condition);
    pthread_mutex_destroy(&place->mutex);
    free(place);
}

void pyaclmdl_renew_places(void)
{
    for (struct pyaclmdlPlace *place = first; place; place = place->next) {
        prepare(place);
        if (atomic_load(&place->holder) == &pyaclmdl_own) {
            pthread_mutex_lock(&place->mutex);
        } else {
            atomic_store(&place->holder, NULL);
            place->depth = 0;
        }
    }
}

pyaclmdlPlace *pyaclmdlMonitorMake(void)
{
    return make();
}

void pyaclmdlMonitorEnd(pyaclmdlPlace *monitor)
{
    end(monitor);
}

void pyaclmdlMonitorLock(pyaclmdlPlace *monitor)
{
    lock(&monitor->mutex);
}

void pyaclmdlMonitorUnlock(pyaclmdlPlace *monitor)
{
    unlock(&monitor->mutex);
}

static struct timespec time_of(uint64_t nanoseconds)
{
    enum { SECOND = 1000000000 };

    return (struct timespec){(time_t)(nanoseconds / SECOND), (long)(nanoseconds % SECOND)};
}

void pyaclmdlMonitorWait(pyaclmdlPlace *monitor, uint64_t until)
{
    struct timespec time = time_of(until);

    /* Outside while it still holds the lock, and again when it has got it back: what the lock guards is complete in
     * both cases, and a forked child gets a new lock. */
    COUNT_LOCKS(&pyaclmdl_own, -1);
    uint32_t depth = pyaclmdlPause();
    if (until == UINT64_MAX)
        pthread_cond_wait(&monitor->condition, &monitor->mutex);
    else
        pthread_cond_timedwait(&monitor->condition, &monitor->mutex, &time);
    /* Whoever waits at the gate holds nothing that those inside may need. */
    pthread_mutex_unlock(&monitor->mutex);
    pyaclmdlResume(depth);
    pthread_mutex_lock(&monitor->mutex);
    COUNT_LOCKS(&pyaclmdl_own, 1);
}

bool pyaclmdlMonitorTryWait(pyaclmdlPlace *monitor, uint64_t until)
{
    if (!pyaclmdl_own.is_interrupted) {
        pyaclmdlMonitorWait(monitor, until);
        return true;
    }
    uint64_t next = pyaclmdl_next_question(&pyaclmdl_own);
    pyaclmdlMonitorWait(monitor, until < next ? until : next);
    /* The question is put without the lock. */
    pyaclmdlMonitorUnlock(monitor);
    bool is_interrupted = pyaclmdlIsInterrupted();
    pyaclmdlMonitorLock(monitor);
    return !is_interrupted;
}

void pyaclmdlMonitorWakeAll(pyaclmdlPlace *monitor)
{
    pthread_cond_broadcast(&monitor->condition);
}

pyaclmdlPlace *pyaclmdlTurnMake(void)
{
    return make();
}

void pyaclmdlTurnEnd(pyaclmdlPlace *turn)
{
    end(turn);
}

/* Without waiting; false when another thread has the turn. */
static bool take_at_once(pyaclmdlPlace *turn)
{
    void *self = &pyaclmdl_own;

    if (atomic_load_explicit(&turn->holder, memory_order_relaxed) == self) {
        turn->depth++;
        return true;
    }
    if (pthread_mutex_trylock(&turn->mutex))
        return false;
    atomic_store_explicit(&turn->holder, self, memory_order_relaxed);
    return true;
}

void pyaclmdlTurnTake(pyaclmdlPlace *turn)
{
    if (take_at_once(turn))
        return;
    uint32_t depth = pyaclmdlPause();
    pthread_mutex_lock(&turn->mutex);
    atomic_store_explicit(&turn->holder, (void *)&pyaclmdl_own, memory_order_relaxed);
    pyaclmdlResume(depth);
}

pyaclmdlTurnResult pyaclmdlTurnTry(pyaclmdlPlace *turn, bool once)
{
    if (once && atomic_load_explicit(&turn->holder, memory_order_relaxed) == &pyaclmdl_own)
        return PYACLMDL_HELD;
    if (take_at_once(turn))
        return PYACLMDL_TAKEN;
    if (!pyaclmdlCanBeInterrupted()) {
        pyaclmdlTurnTake(turn);
        return PYACLMDL_TAKEN;
    }
    uint32_t depth = pyaclmdlPause();
    bool is_interrupted = false;
    bool is_taken = false;
    while (!is_taken && !is_interrupted) {
        struct timespec time = time_of(pyaclmdl_next_question(&pyaclmdl_own));
        is_taken = pthread_mutex_clocklock(&turn->mutex, CLOCK_MONOTONIC, &time) == 0;
        is_interrupted = !is_taken && pyaclmdlIsInterrupted();
    }
    if (is_taken)
        atomic_store_explicit(&turn->holder, (void *)&pyaclmdl_own, memory_order_relaxed);
    pyaclmdlResume(depth);
    return is_taken ? PYACLMDL_TAKEN : PYACLMDL_INTERRUPTED;
}

void pyaclmdlTurnGive(pyaclmdlPlace *turn)
{
    if (turn->depth) {
        turn->depth--;
        return;
    }
    atomic_store_explicit(&turn->holder, NULL, memory_order_relaxed);
    pthread_mutex_unlock(&turn->mutex);
}
