// SPDX-License-Identifier: Apache-2.0
// What the generated calls of stress_calls.c take their arguments from.
#ifndef STRESS_H
#define STRESS_H

#include <stddef.h>
#include <stdint.h>

#include "acl/acl.h"
#include "acl/acl_rt_memory_soma.h"
#include "acl/ops/acl_dvpp.h"

enum {
    BLOCK = 1 << 16,
    BLOCKS = 12,
    SLOTS = 24,
    ARRAY = 16,
    SCRATCH = 1 << 13,
    ARGUMENTS = 16,
};

// One thread's random numbers, memory and places for results.
struct caller {
    uint64_t state;
    void *blocks[BLOCKS];
    void *freed[BLOCKS];
    // Used by nothing else: a task on a stream reads an address when its turn comes.
    void *addresses[ARGUMENTS][ARRAY];
    _Alignas(64) unsigned char scratch[ARGUMENTS][SCRATCH];
};

struct call {
    const char *name;
    // False when there was nothing to call it with.
    int (*run)(struct caller *caller, int *code);
    // The kind of handle that it makes, -1 for none.
    int makes;
};

extern const struct call calls[];
extern const int call_count;
extern const int kind_count;
extern const char *const kind_names[];
// Gives up a handle that may be gone already.
void destroy(int kind, void *handle);

// Sequences of valid calls; each answers the first code that is not 0.
extern int (*const programs[])(struct caller *);
extern const int program_count;

uint64_t draw(struct caller *caller, uint64_t limit);

// A handle of the kind, mostly a live one; or a stale one, one of another kind, or no handle at all.
void *pick_handle(struct caller *caller, int kind);
// Keeps a new handle for everybody.
void keep_handle(int kind, void *handle);
// Notes that a handle was given up; it may be used again all the same.
void drop_handle(struct caller *caller, int kind, void *handle);
int has_room(int kind);

// Inside a block of this thread or past its end; freed, null or wild.
void *pick_address(struct caller *caller);
void keep_block(struct caller *caller, void *block);
void drop_block(struct caller *caller, void *block);

// A number that any parameter may get.
uint64_t pick_number(struct caller *caller);
// Bytes of memory that the library can check.
uint64_t pick_size(struct caller *caller);
// Elements of an array in `scratch`.
uint64_t pick_count(struct caller *caller);
int32_t pick_timeout(struct caller *caller);
int32_t pick_device(struct caller *caller);
float pick_float(struct caller *caller);
void *pick_text(struct caller *caller);
// Zeroed space for a structure or a result, or null.
void *pick_structure(struct caller *caller, int argument);
// An array of small numbers, or null. - width: bytes of an element
void *pick_numbers(struct caller *caller, int argument, size_t width);
// An array of addresses, or null.
void *pick_addresses(struct caller *caller, int argument);
// An array of handles of a kind.
void *pick_handles(struct caller *caller, int argument, int kind);
// The model's bytes, whole or cut.
const void *model_bytes(void);
size_t model_length(void);
size_t pick_model_size(struct caller *caller);
uint32_t pick_model(struct caller *caller);
void keep_model(uint32_t id);
// Unloads a model of whichever device.
void unload(uint32_t id);
// Before any thread starts; not 0 when that fails.
int prepare_children(void);
// Forks one child after the other; each uses everything. Answers how many failed or hung.
int fork_children(int forks, struct caller *caller);

// A function that calls the library again.
void *pick_function(struct caller *caller);

#endif
