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

/* Constant after the constructor. */
extern uintptr_t reserve_start;
extern size_t reserve_bytes;

static inline bool reserve_holds(const void *block)
{
    return (uintptr_t)block - reserve_start < reserve_bytes;
}

/* Whether the calling thread's requests from oneDNN and libstdc++ are served from the reserve. */
extern RESERVE_THREAD bool reserve_serves;

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
