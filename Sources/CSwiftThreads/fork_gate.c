/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SEATS = 256 };

static struct pyaclmdl_seat seats[SEATS];
static pthread_key_t seat_key;
static atomic_uint initialising;
/* The state of a gate that is open. */
static unsigned open_state = GUARDED;
static _Atomic(void (*)(void)) in_child;

static void watch_forks(void);

_Thread_local struct pyaclmdl_thread pyaclmdl_own;
atomic_uint pyaclmdl_gate = GUARDED;
atomic_uint pyaclmdl_crowd;

static void set_gate(unsigned state)
{
    atomic_store(&pyaclmdl_gate, state);
    syscall(SYS_futex, &pyaclmdl_gate, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void sleep_at_gate(unsigned state)
{
    syscall(SYS_futex, &pyaclmdl_gate, FUTEX_WAIT_PRIVATE, state, NULL, NULL, 0);
}

/* Adds one, as soon as the gate is not closed as far as `limit`. */
static void count_at(atomic_uint *count, unsigned limit)
{
    for (;;) {
        unsigned state;

        /* Either the fork sees the count, or this thread sees the gate. */
        atomic_fetch_add(count, 1);
        state = atomic_load(&pyaclmdl_gate);
        if (state < limit)
            return;
        atomic_fetch_sub(count, 1);
        sleep_at_gate(state);
    }
}

static struct pyaclmdl_seat *take_seat(void)
{
    for (int index = 0; index < SEATS; index++) {
        unsigned is_taken = 0;

        if (!atomic_load_explicit(&seats[index].is_taken, memory_order_relaxed) &&
            atomic_compare_exchange_strong(&seats[index].is_taken, &is_taken, 1)) {
            /* Given back when the thread ends. */
            pthread_setspecific(seat_key, &seats[index]);
            return &seats[index];
        }
    }
    return NULL;
}

/* Other things that end with the thread may still come in, and take a seat again. */
static void give_seat_back(void *given)
{
    struct pyaclmdl_seat *seat = given;

    pyaclmdl_own.seat = NULL;
    atomic_store(&seat->inside, 0);
    atomic_store(&seat->is_taken, 0);
}

void pyaclmdl_come_in_slowly(struct pyaclmdl_thread *own)
{
    if (own->seat) {
        atomic_store(&own->seat->inside, 0);
    } else {
        watch_forks();
        own->seat = take_seat();
    }
    count_at(own->seat ? &own->seat->inside : &pyaclmdl_crowd, CALLS_CLOSED);
}

void pyaclmdlEnter(void)
{
    pyaclmdl_go_inside(&pyaclmdl_own);
}

void pyaclmdlLeave(void)
{
    pyaclmdl_go_outside(&pyaclmdl_own);
}

uint32_t pyaclmdlPause(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;
    uint32_t depth = own->initialises ? 0 : own->depth;

    /* A lock that is held for a moment only must not be held where a fork may come: nobody would renew it. */
    if (own->locks)
        abort();
    if (depth) {
        own->depth = 0;
        pyaclmdl_go_out(own);
    }
    return depth;
}

void pyaclmdlResume(uint32_t depth)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    if (depth) {
        pyaclmdl_come_in(own);
        own->depth = depth;
    }
}

void pyaclmdlPauseForFork(void)
{
    if (atomic_load_explicit(&pyaclmdl_gate, memory_order_relaxed) >= CALLS_CLOSED)
        pyaclmdlResume(pyaclmdlPause());
}

bool pyaclmdl_begin_initialiser(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;

    if (own->depth || own->initialises)
        return false;
    watch_forks();
    count_at(&initialising, ALL_CLOSED);
    own->initialises = 1;
    return true;
}

void pyaclmdl_end_initialiser(void)
{
    pyaclmdl_own.initialises = 0;
    atomic_fetch_sub(&initialising, 1);
}

void pyaclmdlInChild(void (*function)(void))
{
    atomic_store(&in_child, function);
}

/* Calls end soon, so most waits are short; a load of a model takes its time. */
static void wait_for(atomic_uint *count, uint32_t wanted)
{
    enum { YIELDS = 50, SHORTEST = 20000, LONGEST = 1000000 };
    struct timespec pause = {0, SHORTEST};

    for (int round = 0; atomic_load(count) != wanted; round++) {
        if (round < YIELDS) {
            sched_yield();
        } else {
            nanosleep(&pause, NULL);
            if (pause.tv_nsec < LONGEST)
                pause.tv_nsec *= 2;
        }
    }
}

/* Every thread that comes in now sees the gate, and those that did not see it are seen. */
static void pass_barrier(void)
{
    enum { MOMENT = 1000000 };
    struct timespec moment = {0, MOMENT};

    if (open_state == OPEN && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)) {
        /* Forbidden since: what a thread stores is seen long before that. */
        nanosleep(&moment, NULL);
    }
}

/* The thread that forks may be inside, as a signal handler may fork; and it counts as inside from here on, so that
 * nothing that it calls waits for itself. */
static void before_fork(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;
    unsigned state = open_state;

    while (!atomic_compare_exchange_strong(&pyaclmdl_gate, &state, CALLS_CLOSED)) {
        sleep_at_gate(state);
        state = open_state;
    }
    pass_barrier();
    own->crowds = own->depth && !own->initialises && !own->seat;
    for (int index = 0; index < SEATS; index++) {
        if (&seats[index] != own->seat)
            wait_for(&seats[index].inside, 0);
    }
    wait_for(&pyaclmdl_crowd, own->crowds);
    atomic_store(&pyaclmdl_gate, ALL_CLOSED);
    wait_for(&initialising, own->initialises);
    own->depth++;
}

static void in_parent(void)
{
    pyaclmdl_own.depth--;
    set_gate(open_state);
}

static void in_forked_child(void)
{
    struct pyaclmdl_thread *own = &pyaclmdl_own;
    void (*function)(void) = atomic_load(&in_child);

    /* Threads that tried the gate while it was closed may have left their counts. */
    for (int index = 0; index < SEATS; index++) {
        if (&seats[index] != own->seat) {
            atomic_store(&seats[index].inside, 0);
            atomic_store(&seats[index].is_taken, 0);
        }
    }
    atomic_store(&pyaclmdl_crowd, own->crowds);
    atomic_store(&initialising, own->initialises);
    pyaclmdl_renew_places();
    atomic_store(&pyaclmdl_gate, open_state);
    if (function)
        function();
    own->depth--;
}

static void register_handlers(void)
{
    pthread_key_create(&seat_key, give_seat_back);
    if (!syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
        open_state = OPEN;
    atomic_store(&pyaclmdl_gate, open_state);
    pthread_atfork(before_fork, in_parent, in_forked_child);
}

/* What is registered last runs first. Who takes a lock before the fork, as the team of threads and the reserve do, must
 * not have it yet while those inside may need it, so they register in early constructors. */
static void watch_forks(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_handlers);
}
