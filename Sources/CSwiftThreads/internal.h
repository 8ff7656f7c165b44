/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYACLMDL_SWIFT_THREADS_INTERNAL_H
#define PYACLMDL_SWIFT_THREADS_INTERNAL_H

#include "CSwiftThreads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CACHE_LINE = 64 };

/* What a fork under way has closed. Initialisers come second: those inside, or threads that work for them, may need
 * one. Where the system has no `membarrier`, an open gate is GUARDED, and threads come in the slow way. */
enum { OPEN, GUARDED, CALLS_CLOSED, ALL_CLOSED };

/* Where one thread says that it is inside. Nobody else writes there, so that it costs no locked instruction. */
struct pyaclmdl_seat {
    _Alignas(CACHE_LINE) atomic_uint inside;
    atomic_uint is_taken;
};

/* A thread as the gate sees it. The address is the thread's as long as it lives, in a forked child, too. */
struct pyaclmdl_thread {
    /* NULL until it first comes inside, and where no seat was free. */
    struct pyaclmdl_seat *seat;
    uint32_t depth;
    /* Whether it initialises a global of Swift without being inside. */
    uint32_t initialises;
    /* Whether it is inside without a seat while it forks. */
    uint32_t crowds;
    /* Tells whether to give up; and when to ask again, in nanoseconds of the monotonic clock, 0 for not known yet. */
    int32_t (*is_interrupted)(void);
    uint64_t next_question;
    /* Locks that it holds for a moment; counted in debug builds. */
    uint32_t locks;
};

#define LOCAL __attribute__((visibility("hidden")))
extern LOCAL _Thread_local struct pyaclmdl_thread pyaclmdl_own;
extern LOCAL atomic_uint pyaclmdl_gate;
/* How many threads without a seat are inside. */
extern LOCAL atomic_uint pyaclmdl_crowd;

LOCAL void pyaclmdl_come_in_slowly(struct pyaclmdl_thread *thread);

static inline void pyaclmdl_come_in(struct pyaclmdl_thread *own)
{
    if (own->seat) {
        /* Either the fork sees the seat, or this thread sees the gate: the fork's barrier orders the two here. */
        atomic_store_explicit(&own->seat->inside, 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        if (atomic_load_explicit(&pyaclmdl_gate, memory_order_acquire) == OPEN)
            return;
    }
    pyaclmdl_come_in_slowly(own);
}

static inline void pyaclmdl_go_out(struct pyaclmdl_thread *own)
{
    if (own->seat)
        atomic_store_explicit(&own->seat->inside, 0, memory_order_release);
    else
        atomic_fetch_sub(&pyaclmdl_crowd, 1);
}

static inline void pyaclmdl_go_inside(struct pyaclmdl_thread *own)
{
    if (own->depth++ == 0 && !own->initialises)
        pyaclmdl_come_in(own);
}

static inline void pyaclmdl_go_outside(struct pyaclmdl_thread *own)
{
    if (--own->depth == 0 && !own->initialises)
        pyaclmdl_go_out(own);
}

/* Around an initialiser of a global; false when the thread is inside anyway, and there is nothing to end. */
LOCAL bool pyaclmdl_begin_initialiser(void);
LOCAL void pyaclmdl_end_initialiser(void);

LOCAL void pyaclmdl_renew_places(void);

LOCAL uint64_t pyaclmdl_next_question(struct pyaclmdl_thread *thread);

#endif
