/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PYACLMDL_MEMORY_GUARD_INTERNAL_H
#define PYACLMDL_MEMORY_GUARD_INTERNAL_H

#include <signal.h>
#include <stdatomic.h>

#include "CMemoryGuard.h"

struct guarded_range {
    _Atomic uintptr_t start;
    _Atomic size_t bytes;
};

/* Guards are never freed, so that a signal handler may walk their list at any time. */
struct memory_guard {
    struct memory_guard *next;
    _Atomic int claim;
    /* Odd while entered; each value once. */
    _Atomic uint64_t epoch;
    /* The epoch in which there was a fault. */
    _Atomic uint64_t failed_epoch;
    _Atomic uint32_t count;
    /* Under the lock. */
    struct memory_fault fault;
    uintptr_t last_page;
    uint32_t repeats;
    /* Used by the thread that enters. */
    bool has_unblocked;
    uint32_t capacity;
    struct guarded_range ranges[];
};

/* The lock over guards, placeholders and handlers; it is taken in signal handlers, with all signals blocked. */
void lock_in_handler(void);
void unlock_in_handler(void);
/* The same for a thread outside of handlers. */
void lock_with_signals(sigset_t *mask);
void unlock_with_signals(const sigset_t *mask);

/* Makes the access that failed possible; false if it is none of ours. In a handler. */
bool absorb_fault(enum memory_fault_kind kind, uintptr_t address);

/* Installs the handlers, or asks the kernel whether they are still in front, and mends that. */
void keep_handlers_in_front(void);
/* Only installs them if they never were. */
void install_handlers_once(void);

/* Placeholders; all under the lock. `limit` is where to stop at the latest; false when the page cannot be replaced. */
bool placeholder_install(
    struct memory_guard *owner, uint64_t epoch, enum memory_fault_kind kind, uintptr_t page, uintptr_t limit);
/* Those of one epoch of a guard, or all for null. */
void placeholders_remove(const struct memory_guard *owner, uint64_t epoch);
/* Whether some placeholder lies in the range; tells its kind and where they meet. */
bool placeholder_overlaps(uintptr_t start, uintptr_t end, enum memory_fault_kind *kind, uintptr_t *address);
/* Not 0 as long as there are placeholders, or may be in a moment. */
extern _Atomic uint32_t placeholder_count;

uintptr_t page_bytes(void);

#endif
