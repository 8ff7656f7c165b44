/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* Each time that another handler was installed over ours, the next of so many functions goes over it and hands faults
 * that are not ours down to it. That one may hand them down to the function that it found, which goes on with what was
 * there before: no handler is called twice, as would happen with a single function. */
enum { LEVELS = 8, SIGNALS = 2 };

static const int numbers[SIGNALS] = {SIGSEGV, SIGBUS};
/* What was there before each level. Under the lock. */
static struct sigaction below[SIGNALS][LEVELS];
/* The level that was in front when somebody last looked; -1 before the first time. */
static _Atomic int front[SIGNALS] = {-1, -1};
/* Some sanitizers keep the signals for themselves. */
static _Atomic bool is_refused;

static void hand_down(int signal, int level, siginfo_t *info, void *context);

static void handle(int signal, int level, siginfo_t *info, void *context)
{
    int saved = errno;
    enum memory_fault_kind kind = 0;

    if (signal == SIGSEGV && info->si_code > 0 && info->si_code != SI_KERNEL) {
        kind = info->si_code == SEGV_MAPERR ? MEMORY_FAULT_MISSING : MEMORY_FAULT_FORBIDDEN;
    } else if (signal == SIGBUS && info->si_code == BUS_ADRERR) {
        kind = MEMORY_FAULT_CUT_OFF;
    }
    if (kind == 0 || !absorb_fault(kind, (uintptr_t)info->si_addr)) {
        errno = saved;
        hand_down(signal, level, info, context);
    }
    errno = saved;
}

#define LEVEL(number)                                                                                                  \
    static void handle_##number(int signal, siginfo_t *info, void *context)                                            \
    {                                                                                                                  \
        handle(signal, number, info, context);                                                                         \
    }
LEVEL(0)
LEVEL(1)
LEVEL(2)
LEVEL(3)
LEVEL(4)
LEVEL(5)
LEVEL(6)
LEVEL(7)

static void (*const handlers[LEVELS])(int, siginfo_t *, void *) = {
    handle_0, handle_1, handle_2, handle_3, handle_4, handle_5, handle_6, handle_7};

/* What the kernel would have done with the signal if nothing of ours were there. */
static void hand_down(int signal, int level, siginfo_t *info, void *context)
{
    struct sigaction *place = &below[signal == SIGBUS][level];
    struct sigaction action;
    sigset_t mask;

    lock_in_handler();
    action = *place;
    if (action.sa_flags & SA_RESETHAND) {
        memset(place, 0, sizeof *place);
    }
    unlock_in_handler();

    if (!(action.sa_flags & SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)) {
        if (action.sa_handler == SIG_IGN && info->si_code <= 0) {
            return;
        }
        /* The access fails again and ends the process; a signal that somebody sent has to be sent again. */
        memset(&action, 0, sizeof action);
        sigaction(signal, &action, NULL);
        if (info->si_code <= 0) {
            syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
        }
        return;
    }
    /* The kernel writes no more than its own, shorter set. */
    sigemptyset(&mask);
    memcpy(&mask, &((const ucontext_t *)context)->uc_sigmask, _NSIG / 8);
    sigorset(&mask, &mask, &action.sa_mask);
    if (!(action.sa_flags & SA_NODEFER)) {
        sigaddset(&mask, signal);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    if (action.sa_flags & SA_SIGINFO) {
        action.sa_sigaction(signal, info, context);
    } else {
        action.sa_handler(signal);
    }
}

static int level_of(const struct sigaction *action)
{
    for (int level = 0; level < LEVELS; level++) {
        if (action->sa_sigaction == handlers[level]) {
            return level;
        }
    }
    return -1;
}

static bool is_same(const struct sigaction *one, const struct sigaction *other)
{
    return one->sa_sigaction == other->sa_sigaction && one->sa_flags == other->sa_flags;
}

/* Under the lock. */
static void put_in_front(int index)
{
    struct sigaction present;
    struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    int level = atomic_load(&front[index]);

    if (sigaction(numbers[index], NULL, &present) != 0) {
        return;
    }
    if (level_of(&present) >= 0) {
        atomic_store(&front[index], level_of(&present));
        return;
    }
    /* A handler that is installed again and again takes one level only. */
    if (level < 0 || !is_same(&present, &below[index][level])) {
        level = level + 1 < LEVELS ? level + 1 : level;
    }
    ours.sa_sigaction = handlers[level];
    sigfillset(&ours.sa_mask);
    below[index][level] = present;
    if (sigaction(numbers[index], &ours, NULL) == 0) {
        atomic_store(&front[index], level);
    }
    if (sigaction(numbers[index], NULL, &present) == 0 && level_of(&present) < 0) {
        atomic_store(&is_refused, true);
    }
}

/* The kernel would jump to nowhere if the library were unloaded. */
static void stay_loaded(void)
{
    Dl_info info;

    if (dladdr((void *)(uintptr_t)handle_0, &info) && info.dli_fname) {
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

static void install(void)
{
    sigset_t mask;

    if (atomic_load(&front[0]) < 0) {
        stay_loaded();
    }
    lock_with_signals(&mask);
    for (int index = 0; index < SIGNALS; index++) {
        put_in_front(index);
    }
    unlock_with_signals(&mask);
}

void install_handlers_once(void)
{
    if (atomic_load_explicit(&front[0], memory_order_relaxed) < 0) {
        install();
    }
}

/* A cheap clock; what it counts is at most a few nanoseconds each. */
static uint64_t ticks(void)
{
#ifdef __x86_64__
    return __builtin_ia32_rdtsc();
#else
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
#endif
}

static bool is_in_front(int index)
{
    struct sigaction present;
    int level = atomic_load_explicit(&front[index], memory_order_relaxed);

    return level >= 0 && sigaction(numbers[index], NULL, &present) == 0 && present.sa_sigaction == handlers[level];
}

void keep_handlers_in_front(void)
{
    /* Asking takes longer than the smallest models. Nobody can install a handler, take memory away and come back in so
     * little time; a handler for SIGBUS alone, with a file that is cut off, is rarer still. */
    enum { PAUSE = 5000, PAUSE_SIGBUS = 40000 };
    static _Atomic uint64_t last[SIGNALS];
    uint64_t now = ticks();
    bool is_due = now - atomic_load_explicit(&last[0], memory_order_relaxed) > PAUSE;
    bool is_due_sigbus = now - atomic_load_explicit(&last[1], memory_order_relaxed) > PAUSE_SIGBUS;

    if (!is_due || atomic_load_explicit(&is_refused, memory_order_relaxed)) {
        return;
    }
    atomic_store_explicit(&last[0], now, memory_order_relaxed);
    if (is_due_sigbus) {
        atomic_store_explicit(&last[1], now, memory_order_relaxed);
    }
    if (!is_in_front(0) || (is_due_sigbus && !is_in_front(1))) {
        install();
    }
}
