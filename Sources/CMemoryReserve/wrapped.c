/* SPDX-License-Identifier: Apache-2.0 */
/* What the linker puts in the place of the allocation functions. */
#include <stdlib.h>

#include "CMemoryReserve.h"

#ifdef MEMORY_RESERVE_WRAPS

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "reserve.h"

extern void *__real_malloc(size_t bytes);
extern void *__real_calloc(size_t count, size_t bytes);
extern void *__real_realloc(void *block, size_t bytes);
extern void __real_free(void *block);
extern int __real_posix_memalign(void **block, size_t alignment, size_t bytes);
extern void *__real_aligned_alloc(size_t alignment, size_t bytes);
extern size_t __real_malloc_usable_size(void *block);
extern char *__real_strdup(const char *text);
extern FILE *__real_fopen(const char *path, const char *mode);
extern ssize_t __real___getdelim(char **line, size_t *bytes, int delimiter, FILE *file);

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void *__wrap_malloc(size_t bytes)
{
    void *block = __real_malloc(bytes);
    return __builtin_expect(block != NULL, 1) ? block : reserve_allocate(bytes, 1);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    void *block = __real_calloc(count, bytes);
    size_t total;
    if (__builtin_expect(block != NULL, 1) || __builtin_mul_overflow(count, bytes, &total))
        return block;
    block = reserve_allocate(total, 1);
    return block ? memset(block, 0, total) : NULL;
}

void __wrap_free(void *block)
{
    if (__builtin_expect(reserve_holds(block), 0))
        reserve_free(block);
    else
        __real_free(block);
}

/* Out of the reserve as soon as the system has memory again. */
static void *resize_reserved(void *block, size_t bytes)
{
    if (!bytes) {
        reserve_free(block);
        return NULL;
    }
    size_t kept = smaller(reserve_block_bytes(block), bytes);
    void *moved = __real_malloc(bytes);
    if (!moved && reserve_resize(block, bytes)) {
        memory_reserve_note();
        return block;
    }
    if (!moved)
        moved = reserve_allocate(bytes, 1);
    if (!moved)
        return NULL;
    memcpy(moved, block, kept);
    reserve_free(block);
    return moved;
}

void *__wrap_realloc(void *block, size_t bytes)
{
    if (reserve_holds(block))
        return resize_reserved(block, bytes);
    void *moved = __real_realloc(block, bytes);
    if (moved || (block && !bytes))
        return moved;
    moved = reserve_allocate(bytes, 1);
    if (moved && block) {
        memcpy(moved, block, smaller(__real_malloc_usable_size(block), bytes));
        __real_free(block);
    }
    return moved;
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    int error = __real_posix_memalign(block, alignment, bytes);
    if (error != ENOMEM)
        return error;
    void *reserved = reserve_allocate(bytes, alignment);
    if (!reserved)
        return ENOMEM;
    *block = reserved;
    return 0;
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    void *block = __real_aligned_alloc(alignment, bytes);
    return block || errno != ENOMEM ? block : reserve_allocate(bytes, alignment);
}

size_t __wrap_malloc_usable_size(void *block)
{
    return reserve_holds(block) ? reserve_block_bytes(block) : __real_malloc_usable_size(block);
}

char *__wrap_strdup(const char *text)
{
    char *copy = __real_strdup(text);
    if (copy)
        return copy;
    size_t bytes = strlen(text) + 1;
    copy = reserve_allocate(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* The C library's own requests cannot be served. Swift's runtime reads the arguments of a program with these two, and
 * takes what it gets for all of them. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
    FILE *file = __real_fopen(path, mode);
    if (!file && errno == ENOMEM)
        memory_reserve_note();
    return file;
}

ssize_t __wrap___getdelim(char **line, size_t *bytes, int delimiter, FILE *file)
{
    // So that an earlier refusal is not taken for one of this call.
    errno = 0;
    ssize_t count = __real___getdelim(line, bytes, delimiter, file);
    if (count < 0 && errno == ENOMEM)
        memory_reserve_note();
    return count;
}

bool memory_reserve_system_has(size_t bytes)
{
    void *block = __real_malloc(bytes);
    __real_free(block);
    if (!block)
        memory_reserve_note();
    return block != NULL;
}

#else

bool memory_reserve_system_has(size_t bytes)
{
    // Else the compiler knows the answer.
    void *volatile block = malloc(bytes);
    free(block);
    return block != NULL;
}

#endif
