/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FREE, CLAIMED, CLAIMED_BRIEFLY };

/* A fault that comes back so often is not mended by what is done here. */
enum { REPEATS = 10000 };

/* Trusted memory is there unless a program goes out of its way: one look in so many entries is enough. */
enum { TRUSTED_ENTRIES = 64 };

static _Atomic(struct memory_guard *) guards;
static atomic_flag lock = ATOMIC_FLAG_INIT;

void lock_in_handler(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
        syscall(SYS_sched_yield);
    }
}

void unlock_in_handler(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

void lock_with_signals(sigset_t *mask)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, mask);
    lock_in_handler();
}

void unlock_with_signals(const sigset_t *mask)
{
    unlock_in_handler();
    pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* In a forked child nothing is being executed, and who held the lock does not exist. */
static void reset_in_child(void)
{
    atomic_flag_clear(&lock);
    for (struct memory_guard *guard = atomic_load(&guards); guard; guard = guard->next) {
        uint64_t epoch = atomic_load(&guard->epoch);
        atomic_store(&guard->epoch, epoch + (epoch & 1));
        if (atomic_load(&guard->claim) == CLAIMED_BRIEFLY) {
            atomic_store(&guard->claim, FREE);
        }
    }
    placeholders_remove(NULL, 0);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, reset_in_child);
}

static struct memory_guard *take_unused(uint32_t capacity, int claim)
{
    for (struct memory_guard *guard = atomic_load(&guards); guard; guard = guard->next) {
        int expected = FREE;
        if (guard->capacity >= capacity && atomic_load_explicit(&guard->claim, memory_order_relaxed) == FREE &&
            atomic_compare_exchange_strong(&guard->claim, &expected, claim)) {
            return guard;
        }
    }
    return NULL;
}

struct memory_guard *memory_guard_claim(uint32_t capacity, bool is_brief)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum { USUAL = 8 };
    int claim = is_brief ? CLAIMED_BRIEFLY : CLAIMED;
    struct memory_guard *guard = take_unused(capacity, claim);

    if (guard) {
        return guard;
    }
    pthread_once(&once, watch_forks);
    capacity = capacity > USUAL ? capacity : USUAL;
    guard = calloc(1, sizeof *guard + capacity * sizeof guard->ranges[0]);
    if (!guard) {
        return NULL;
    }
    guard->capacity = capacity;
    atomic_store(&guard->claim, claim);
    guard->next = atomic_load(&guards);
    while (!atomic_compare_exchange_weak(&guards, &guard->next, guard)) {
    }
    return guard;
}

void memory_guard_release(struct memory_guard *guard)
{
    atomic_store(&guard->claim, FREE);
}

void memory_guard_set(struct memory_guard *guard, uint32_t index, uintptr_t start, size_t bytes)
{
    atomic_store_explicit(&guard->ranges[index].start, start, memory_order_relaxed);
    atomic_store_explicit(&guard->ranges[index].bytes, bytes, memory_order_relaxed);
}

/* A kernel whose thread blocks the signals of faults is killed by them, whatever handlers there are. */
static bool unblock_faults(void)
{
    enum { UNKNOWN, OPEN, BLOCKED };
    static __thread int state __attribute__((tls_model("initial-exec"))) = UNKNOWN;
    sigset_t mask;

    if (state == OPEN) {
        return false;
    }
    if (state == UNKNOWN) {
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        state = sigismember(&mask, SIGSEGV) || sigismember(&mask, SIGBUS) ? BLOCKED : OPEN;
    }
    if (state == BLOCKED) {
        sigemptyset(&mask);
        sigaddset(&mask, SIGSEGV);
        sigaddset(&mask, SIGBUS);
        pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    }
    return state == BLOCKED;
}

static void block_faults(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGSEGV);
    sigaddset(&mask, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
}

/* Under the lock. The first fault of an epoch is the one that is told. */
static void note(struct memory_guard *guard, uint64_t epoch, struct memory_fault fault)
{
    if (atomic_load(&guard->failed_epoch) != epoch) {
        guard->fault = fault;
        guard->repeats = 0;
        atomic_store(&guard->failed_epoch, epoch);
    }
}

void memory_guard_enter(struct memory_guard *guard, uint32_t count, bool is_trusted)
{
    uint64_t epoch = atomic_load_explicit(&guard->epoch, memory_order_relaxed) + 1;

    if (is_trusted && epoch % (2 * TRUSTED_ENTRIES) != 1) {
        install_handlers_once();
    } else {
        keep_handlers_in_front();
    }
    guard->has_unblocked = unblock_faults();
    atomic_store_explicit(&guard->count, count, memory_order_relaxed);
    /* A handler that makes a placeholder says so before it looks for guards: either it sees this one, or this one sees
     * the placeholder. */
    atomic_store(&guard->epoch, epoch);
    if (atomic_load(&placeholder_count) != 0) {
        sigset_t mask;

        lock_with_signals(&mask);
        for (uint32_t index = 0; index < count; index++) {
            struct memory_fault fault = {.range = index};
            uintptr_t start = atomic_load(&guard->ranges[index].start);

            if (placeholder_overlaps(
                    start, start + atomic_load(&guard->ranges[index].bytes), &fault.kind, &fault.address)) {
                note(guard, epoch, fault);
            }
        }
        unlock_with_signals(&mask);
    }
}

bool memory_guard_leave(struct memory_guard *guard, struct memory_fault *fault)
{
    uint64_t epoch = atomic_load_explicit(&guard->epoch, memory_order_relaxed);
    bool has_failed;

    /* Either a handler sees that the guard has been left, or this sees its note. */
    atomic_store(&guard->epoch, epoch + 1);
    has_failed = atomic_load(&guard->failed_epoch) == epoch;
    if (has_failed) {
        sigset_t mask;

        lock_with_signals(&mask);
        placeholders_remove(guard, epoch);
        *fault = guard->fault;
        unlock_with_signals(&mask);
    }
    if (guard->has_unblocked) {
        block_faults();
    }
    return has_failed;
}

/* The first range of an entered guard that meets [start, end); its epoch, or 0 if there is none. */
static uint64_t meets(const struct memory_guard *guard, uintptr_t start, uintptr_t end, uint32_t *index)
{
    for (;;) {
        uint64_t epoch = atomic_load(&guard->epoch);
        uint64_t result = 0;

        if (!(epoch & 1)) {
            return 0;
        }
        for (uint32_t number = 0; number < atomic_load(&guard->count) && !result; number++) {
            uintptr_t first = atomic_load(&guard->ranges[number].start);

            if (first < end && start < first + atomic_load(&guard->ranges[number].bytes)) {
                *index = number;
                result = epoch;
            }
        }
        /* What was seen holds if the guard has not been left meanwhile. */
        if (atomic_load(&guard->epoch) == epoch) {
            return result;
        }
    }
}

bool absorb_fault(enum memory_fault_kind kind, uintptr_t address)
{
    uintptr_t page = address & ~(page_bytes() - 1);
    uintptr_t limit = 0;
    struct memory_guard *owner = NULL;
    uint64_t epoch = 0;
    bool is_absorbed = false;
    uint32_t index;

    lock_in_handler();
    atomic_fetch_add(&placeholder_count, 1);
    for (struct memory_guard *guard = atomic_load(&guards); guard && !owner; guard = guard->next) {
        epoch = meets(guard, address, address + 1, &index);
        if (epoch == 0) {
            continue;
        }
        note(guard, epoch, (struct memory_fault){.range = index, .kind = kind, .address = address});
        if (atomic_load(&guard->epoch) == epoch) {
            owner = guard;
            limit = atomic_load(&guard->ranges[index].start) + atomic_load(&guard->ranges[index].bytes);
            limit = (limit + page_bytes() - 1) & ~(page_bytes() - 1);
        }
    }
    /* Others that use the page see the placeholder, too. Where they use what follows it, that may be good: it stays. */
    for (struct memory_guard *guard = atomic_load(&guards); guard && owner; guard = guard->next) {
        uint64_t other = guard == owner ? 0 : meets(guard, page, page + page_bytes(), &index);

        if (other) {
            note(guard, other, (struct memory_fault){.range = index, .kind = kind, .address = address});
        }
        if (guard != owner && meets(guard, page + page_bytes(), limit, &index)) {
            limit = page + page_bytes();
        }
    }
    if (owner) {
        owner->repeats = owner->last_page == page ? owner->repeats + 1 : 0;
        owner->last_page = page;
        is_absorbed = owner->repeats < REPEATS && placeholder_install(owner, epoch, kind, page, limit);
    }
    atomic_fetch_sub(&placeholder_count, 1);
    unlock_in_handler();
    return is_absorbed;
}
