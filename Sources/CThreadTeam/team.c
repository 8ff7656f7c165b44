/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "thread_team.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <fenv.h>
#endif
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    /* How long a thread looks for more work before it sleeps: while its crew is in use, and between uses. */
    SPIN_IN_USE = 60000,
    SPIN_BETWEEN = 10000,
    /* What sharing may lose before the caller works alone, and how long it then does: twice as long each time, until
     * sharing has gained as much. All in nanoseconds. */
    STAKE = 20000000,
    ALONE_FIRST = 100000000,
    ALONE_LONGEST = 1600000000,
};

typedef void team_body(int place, int count, void *context);

struct crew {
    /* generation << 32 | count << 16 | next free place: one word, so that nobody takes a place of work that is over. */
    _Alignas(64) _Atomic uint64_t work;
    team_body *body;
    void *context;

    _Alignas(64) _Atomic uint32_t unfinished;
    _Atomic uint32_t caller_sleeps;
    /* What the processor raised in places that were taken: TEAM_INVALID and the like. */
    _Atomic int raised;

    _Alignas(64) _Atomic uint32_t alarm;
    _Atomic uint32_t sleepers;
    _Atomic bool in_use;
    _Atomic bool alone;

    /* The caller's: what sharing has gained lately, between -STAKE and STAKE; until when it works alone and for how
     * long the next time; when the present work was offered, and when the caller began with it. */
    int64_t gained;
    uint64_t alone_until, alone_next;
    uint64_t offered_at, began_at;

    /* Of the present use. */
    int threads;
    /* Guarded by the list's lock. */
    int helpers;
    struct crew *next;
};

static _Thread_local struct {
    /* The crew in a place of whose work the calling thread is. */
    struct crew *now;
    /* The thread's own crew between team_begin() and team_end(). */
    struct crew *crew;
    int threads;
    int depth;
} member = {.threads = 1};

static struct {
    /* The crew that was given back last, outside the lock. */
    struct crew *_Atomic latest;
    pthread_mutex_t lock;
    struct crew *free;
    /* The number of threads in the largest crew there is, free or in use. */
    int largest;
} crews = {NULL, PTHREAD_MUTEX_INITIALIZER, NULL, 1};

static uint64_t now_nanoseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t expected)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

#if defined(__SSE2__)
enum { MXCSR_INVALID = 1 };

static int take_exceptions(void)
{
    const unsigned state = _mm_getcsr();
    if (!(state & MXCSR_INVALID))
        return 0;
    _mm_setcsr(state & ~(unsigned)MXCSR_INVALID);
    return TEAM_INVALID;
}

void team_restore_exceptions(int exceptions)
{
    if (exceptions)
        _mm_setcsr(_mm_getcsr() | MXCSR_INVALID);
}
#else
static int take_exceptions(void)
{
    if (!fetestexcept(FE_INVALID))
        return 0;
    feclearexcept(FE_INVALID);
    return TEAM_INVALID;
}

void team_restore_exceptions(int exceptions)
{
    if (exceptions)
        feraiseexcept(FE_INVALID);
}
#endif

int team_forget_exceptions(void)
{
    if (member.crew)
        atomic_store_explicit(&member.crew->raised, 0, memory_order_relaxed);
    return take_exceptions();
}

int team_exceptions(void)
{
    struct crew *crew = member.crew;
    return take_exceptions() | (crew ? atomic_load_explicit(&crew->raised, memory_order_relaxed) : 0);
}

static int count_of(uint64_t work)
{
    return (int)(work >> 16 & 0xffff);
}

static int next_of(uint64_t work)
{
    return (int)(work & 0xffff);
}

/* Takes a free place and works on it; false when there is none. */
static bool take_place(struct crew *crew)
{
    uint64_t work = atomic_load_explicit(&crew->work, memory_order_acquire);
    do {
        if (next_of(work) >= count_of(work))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &crew->work, &work, work + 1, memory_order_acq_rel, memory_order_acquire));
    struct crew *outer = member.now;
    member.now = crew;
    member.threads = crew->threads;
    crew->body(next_of(work), count_of(work), crew->context);
    member.now = outer;
    const int raised = take_exceptions();
    if (raised)
        atomic_fetch_or_explicit(&crew->raised, raised, memory_order_relaxed);
    if (atomic_fetch_sub(&crew->unfinished, 1) == 1 && atomic_load(&crew->caller_sleeps))
        futex_wake(&crew->unfinished, 1);
    return true;
}

static bool has_free_place(struct crew *crew)
{
    const uint64_t work = atomic_load(&crew->work);
    return next_of(work) < count_of(work);
}

/* Looks for free places for a while; true when there is one. */
static bool spin_for_work(struct crew *crew)
{
    if (atomic_load_explicit(&crew->alone, memory_order_relaxed))
        return has_free_place(crew);
    const uint64_t start = now_nanoseconds();
    for (;;) {
        for (int i = 0; i < 32; i++) {
            if (has_free_place(crew))
                return true;
            relax();
        }
        const bool in_use = atomic_load_explicit(&crew->in_use, memory_order_relaxed);
        if (now_nanoseconds() - start > (in_use ? SPIN_IN_USE : SPIN_BETWEEN))
            return false;
    }
}

static void sleep_until_alarm(struct crew *crew)
{
    const uint32_t alarm = atomic_load(&crew->alarm);
    atomic_fetch_add(&crew->sleepers, 1);
    if (!has_free_place(crew))
        futex_wait(&crew->alarm, alarm);
    atomic_fetch_sub(&crew->sleepers, 1);
}

static void *help(void *argument)
{
    struct crew *crew = argument;
    /* What the thread that made this one had raised by then. */
    take_exceptions();
    for (;;) {
        if (!take_place(crew) && !spin_for_work(crew))
            sleep_until_alarm(crew);
    }
    return NULL;
}

static void sound_alarm(struct crew *crew, int threads)
{
    if (atomic_load(&crew->sleepers)) {
        atomic_fetch_add(&crew->alarm, 1);
        futex_wake(&crew->alarm, threads);
    }
}

/* Offers `count` places to the caller's crew; place 0 is its own. */
static void offer(int count, team_body *body, void *context)
{
    struct crew *crew = member.crew;
    crew->body = body;
    crew->context = context;
    atomic_store_explicit(&crew->unfinished, (uint32_t)count, memory_order_relaxed);
    const uint64_t generation = (atomic_load_explicit(&crew->work, memory_order_relaxed) >> 32) + 1;
    crew->offered_at = now_nanoseconds();
    atomic_store(&crew->work, generation << 32 | (uint64_t)count << 16 | 1);
    if (crew->alone_until && crew->offered_at >= crew->alone_until) {
        crew->alone_until = 0;
        atomic_store(&crew->alone, false);
    }
    if (!crew->alone_until)
        sound_alarm(crew, count - 1);
    crew->began_at = now_nanoseconds();
    member.now = crew;
}

/* Learns from work that would have taken the caller `by_itself` nanoseconds and is finished now. */
static void judge(struct crew *crew, uint64_t by_itself, uint64_t finished_at)
{
    crew->gained += (int64_t)by_itself - (int64_t)(finished_at - crew->offered_at);
    if (crew->gained > STAKE) {
        crew->gained = STAKE;
        crew->alone_next = ALONE_FIRST;
    } else if (crew->gained < -STAKE) {
        crew->gained = 0;
        crew->alone_until = finished_at + crew->alone_next;
        if (crew->alone_next < ALONE_LONGEST)
            crew->alone_next *= 2;
        atomic_store(&crew->alone, true);
    }
}

/* Takes the places that are left, and waits for those that others have taken. */
static void finish(int count)
{
    struct crew *crew = member.crew;
    member.now = NULL;
    atomic_fetch_sub(&crew->unfinished, 1);
    int taken = 1;
    while (take_place(crew))
        taken++;
    const uint64_t done_at = now_nanoseconds();
    uint32_t unfinished;
    for (uint64_t now = done_at; (unfinished = atomic_load(&crew->unfinished)) != 0;) {
        if (now - done_at > SPIN_IN_USE) {
            atomic_store(&crew->caller_sleeps, 1);
            if ((unfinished = atomic_load(&crew->unfinished)) != 0)
                futex_wait(&crew->unfinished, unfinished);
            atomic_store(&crew->caller_sleeps, 0);
        } else {
            for (int i = 0; i < 32 && atomic_load_explicit(&crew->unfinished, memory_order_relaxed); i++)
                relax();
            now = now_nanoseconds();
        }
    }
    if (!crew->alone_until)
        judge(crew, (done_at - crew->began_at) * (uint64_t)count / (uint64_t)taken,
            taken < count ? now_nanoseconds() : done_at);
}

void team_run(int count, team_body *body, void *context)
{
    if (count > 1 && member.crew && !member.now) {
        offer(count, body, context);
        body(0, count, context);
        finish(count);
        return;
    }
    for (int place = 0; place < count; place++)
        body(place, count, context);
}

/* Starts helpers until the crew has `threads` with its caller; the list's lock is held. */
static bool enlarge(struct crew *crew, int threads)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes))
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    /* Signals are for the program's own threads, but faults are for the one that makes them. */
    sigset_t blocked, before;
    sigfillset(&blocked);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    while (crew->helpers + 1 < threads) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, help, crew))
            break;
        pthread_setname_np(thread, "acl-team");
        crew->helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (crew->helpers + 1 > crews.largest)
        crews.largest = crew->helpers + 1;
    return crew->helpers + 1 >= threads;
}

/* The list's lock is held. */
static struct crew *take_crew(int threads)
{
    struct crew **link = &crews.free;
    while (*link && (*link)->helpers + 1 < threads && (*link)->next)
        link = &(*link)->next;
    struct crew *crew = *link;
    if (crew) {
        *link = crew->next;
    } else {
        crew = aligned_alloc(64, sizeof *crew);
        if (!crew)
            return NULL;
        *crew = (struct crew){.alone_next = ALONE_FIRST};
    }
    if (enlarge(crew, threads))
        return crew;
    crew->next = crews.free;
    crews.free = crew;
    return NULL;
}

static void give_back(struct crew *crew)
{
    pthread_mutex_lock(&crews.lock);
    crew->next = crews.free;
    crews.free = crew;
    pthread_mutex_unlock(&crews.lock);
}

/* A crew that is large enough, be it another thread's when that has done; NULL when there is none. */
static struct crew *wait_for_crew(int threads)
{
    for (;;) {
        pthread_mutex_lock(&crews.lock);
        struct crew *crew = take_crew(threads);
        const bool may_come = crews.largest >= threads;
        pthread_mutex_unlock(&crews.lock);
        if (crew || !may_come)
            return crew;
        /* The system grants no more threads: a rare state, in which a short sleep does no harm. */
        usleep(1000);
        if ((crew = atomic_exchange(&crews.latest, NULL)))
            give_back(crew);
    }
}

int team_available(int wanted)
{
    pthread_mutex_lock(&crews.lock);
    struct crew *crew = crews.largest < wanted ? take_crew(wanted) : NULL;
    if (crew) {
        crew->next = crews.free;
        crews.free = crew;
    }
    const int available = crews.largest < wanted ? crews.largest : wanted;
    pthread_mutex_unlock(&crews.lock);
    return available;
}

bool team_begin(int threads)
{
    if (member.depth++)
        return true;
    member.threads = threads;
    if (threads < 2)
        return true;
    struct crew *crew = atomic_exchange(&crews.latest, NULL);
    if (!crew || crew->helpers + 1 < threads) {
        if (crew)
            give_back(crew);
        crew = wait_for_crew(threads);
    }
    if (!crew) {
        member.depth = 0;
        member.threads = 1;
        return false;
    }
    crew->threads = threads;
    member.crew = crew;
    atomic_store(&crew->in_use, true);
    return true;
}

void team_end(void)
{
    if (--member.depth)
        return;
    member.threads = 1;
    struct crew *crew = member.crew;
    if (!crew)
        return;
    member.crew = NULL;
    atomic_store(&crew->in_use, false);
    struct crew *nobody = NULL;
    if (!atomic_compare_exchange_strong(&crews.latest, &nobody, crew))
        give_back(crew);
}

int team_size(void)
{
    return member.threads;
}

static void before_fork(void)
{
    pthread_mutex_lock(&crews.lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&crews.lock);
}

/* The helpers do not exist here: what they have is left alone, and new crews are made. */
static void in_child(void)
{
    pthread_mutex_init(&crews.lock, NULL);
    atomic_store(&crews.latest, NULL);
    crews.free = NULL;
    crews.largest = 1;
    member.crew = NULL;
}

/* Early, so that it holds the list only when nobody is inside a call any more: what is registered last runs first, and
 * Swift's own constructors may already register the gate of the calls. */
__attribute__((constructor(102))) static void watch_forks(void)
{
    pthread_atfork(before_fork, in_parent, in_child);
}
