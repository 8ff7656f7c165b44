/* SPDX-License-Identifier: Apache-2.0 */
#include "CSwiftThreads.h"

#include <pthread.h>

/* The Swift runtime keeps each thread's id for the locks around its initialisers, and a forked child inherits its
 * parent's: two threads that meet at such a lock then wait for a thread of another process, for ever. These two are the
 * runtime's own, from one object file; where the runtime is a library of its own, neither can be seen from here. */
extern __thread int cached_thread_id __asm__("_ZZN5swift14threading_impl5linux13ulock_get_tidEvE3tid")
    __attribute__((weak));
extern void once_slow(void) __asm__("_ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_") __attribute__((weak));

/* 0 makes the runtime ask for the id again. */
static void forget_thread_id(void)
{
    cached_thread_id = 0;
}

/* At load, so that it runs in the child before anything of ours. */
__attribute__((constructor)) static void correct_forked_children(void)
{
    if (once_slow)
        pthread_atfork(0, 0, forget_thread_id);
}
