/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* Two things of the Swift runtime, by their private names; where it is a library of its own, neither is seen from here.
 */

/* The runtime keeps each thread's id for the locks around its initialisers, and a forked child inherits its parent's:
 * two threads that meet at such a lock then wait for a thread of another process, for ever. */
extern __thread int cached_thread_id __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid")
    __attribute__((weak));

/* Runs the initialiser of a global, unless that is done already, while other threads wait for it. The linker directs
 * its calls here (`--wrap` in Package.swift), so that no fork finds one half done: the child would wait for it for
 * ever. */
typedef void initialiser(void *context);
extern void once_slow(void *once, initialiser *function, void *context) __asm__(
    "__real__ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_") __attribute__((weak));
void uncut_once_slow(void *once, initialiser *function, void *context) __asm__(
    "__wrap__ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_");

void uncut_once_slow(void *once, initialiser *function, void *context)
{
    bool is_first = pyaclmdl_begin_initialiser();

    once_slow(once, function, context);
    if (is_first)
        pyaclmdl_end_initialiser();
}

/* 0 makes the runtime ask for the id again. */
static void forget_thread_id(void)
{
    cached_thread_id = 0;
}

/* At load, so that it runs in the child before anything of ours. */
__attribute__((constructor)) static void correct_forked_children(void)
{
    if (once_slow)
        pthread_atfork(NULL, NULL, forget_thread_id);
}
