/* SPDX-License-Identifier: Apache-2.0 */
/* Turns faults in memory that a program has taken away into errors.
 *
 * While a guard is entered, an access of any thread to one of its ranges that the memory does not allow is made to
 * succeed: a placeholder page takes the place of the missing or forbidden one until the guard is left, which then says
 * what happened. What was read from a placeholder is zero or as before, what was written there is lost. All other
 * faults go to whatever handled them before. Nothing here allocates between entering and leaving, unless there is a
 * fault. */
#ifndef PYACLMDL_MEMORY_GUARD_H
#define PYACLMDL_MEMORY_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_guard;

enum memory_fault_kind {
    /* Nothing is mapped there. */
    MEMORY_FAULT_MISSING = 1,
    /* It may not be read, or not be written. */
    MEMORY_FAULT_FORBIDDEN = 2,
    /* The file that is mapped there has been cut off. */
    MEMORY_FAULT_CUT_OFF = 3,
    /* It may be read only; told by `memory_is_usable`. */
    MEMORY_FAULT_READ_ONLY = 4,
};

/* The first fault between entering and leaving. */
struct memory_fault {
    /* The number of the range. */
    uint32_t range;
    enum memory_fault_kind kind;
    uintptr_t address;
};

/* A guard for up to `capacity` ranges; null when there is no memory. `is_brief` tells one that is given back by the
 * call that claims it: in a forked child such a one is free again. */
struct memory_guard *memory_guard_claim(uint32_t capacity, bool is_brief);
void memory_guard_release(struct memory_guard *guard);

/* One thread at a time: between leaving and entering. */
void memory_guard_set(struct memory_guard *guard, uint32_t index, uintptr_t start, size_t bytes);

/* Watches the first `count` ranges. Installs the signal handlers, or puts them in front again if others were installed
 * since; `is_trusted` leaves that out, for memory that only this library maps and unmaps. */
void memory_guard_enter(struct memory_guard *guard, uint32_t count, bool is_trusted);

/* Ends the watch and takes the placeholders away; true if there was a fault, which is then described. All threads that
 * worked on the ranges have finished. */
bool memory_guard_leave(struct memory_guard *guard, struct memory_fault *fault);

/* Whether the kernel would allow to read all of a range, and to write it; tells the first address where it would not.
 * Touches nothing; true as well where there is no /proc to ask. Costs microseconds. */
bool memory_is_usable(uintptr_t start, size_t bytes, bool is_written, struct memory_fault *problem);

#endif
