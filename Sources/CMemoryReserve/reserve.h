/* SPDX-License-Identifier: Apache-2.0 */
/* The reserve itself: a heap of fixed size that lies untouched until the system has no memory. */
#ifndef RESERVE_H
#define RESERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Variables that exist in every thread from its start, so that using one needs no memory. */
#define RESERVE_THREAD __thread __attribute__((tls_model("initial-exec")))

#ifdef __cplusplus
extern "C" {
#endif

/* Enough for what a call takes between two looks at `memory_reserve_was_used`, and for what calls that cannot fail
 * leave behind. Address space only: nothing of it counts as used memory before the system refuses some. */
#define RESERVE_BYTES ((size_t)64 << 20)

/* There with the library itself, so that it serves even the first request. */
extern char reserve[RESERVE_BYTES];

static inline bool reserve_holds(const void *block)
{
    return (uintptr_t)block - (uintptr_t)reserve < RESERVE_BYTES;
}

/* A block for a request that the system has refused, noted for the calling thread. `alignment` is a power of two.
 * NULL, said on standard error, when the reserve is used up too. */
void *reserve_allocate(size_t bytes, size_t alignment);

void reserve_free(void *block);

/* Bytes that may be used of a block. */
size_t reserve_block_bytes(const void *block);

/* The block in place with another size, if that is possible. */
bool reserve_resize(void *block, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
