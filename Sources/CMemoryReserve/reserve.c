/* SPDX-License-Identifier: Apache-2.0 */
#include "reserve.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CMemoryReserve.h"

enum { UNIT = 16, SMALLEST = 2 * UNIT, PAGE = 4096 };

/* Freed bytes after which their pages go back to the system. */
enum { TRIM_BYTES = 128 << 10 };

/* In front of every block; blocks lie without gaps, so the neighbours of each are found by their sizes. */
struct header {
    size_t bytes;    /* with the header */
    uint32_t before; /* units of the block in front; 0 for the first */
    uint32_t is_used;
};

_Static_assert(sizeof(struct header) == UNIT, "blocks are multiples of the header");

char reserve[RESERVE_BYTES] __attribute__((aligned(PAGE)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Where the search begins: the block after the one given out last, or one that was freed. */
static struct header *rover;
static _Atomic size_t used_bytes;
static size_t freed_bytes;

/* The thread's refusals, and their number when its call began. */
static RESERVE_THREAD unsigned long refusals;
static RESERVE_THREAD unsigned long refusals_before;

static struct header *first(void)
{
    return (struct header *)(void *)reserve;
}

static struct header *next(struct header *block)
{
    char *place = (char *)block + block->bytes;
    return place == reserve + RESERVE_BYTES ? NULL : (struct header *)place;
}

static struct header *previous(struct header *block)
{
    return block->before ? (struct header *)((char *)block - (size_t)block->before * UNIT) : NULL;
}

static struct header *header_of(const void *block)
{
    return (struct header *)((char *)block - UNIT);
}

/* Tells the block behind where this one begins. */
static void link_next(struct header *block)
{
    struct header *behind = next(block);
    if (behind)
        behind->before = (uint32_t)(block->bytes / UNIT);
}

/* Joins the free block behind, if there is one. */
static void join_next(struct header *block)
{
    struct header *behind = next(block);
    if (!behind || behind->is_used)
        return;
    if (rover == behind)
        rover = block;
    block->bytes += behind->bytes;
    link_next(block);
}

/* Cuts the block after `bytes`; what is left over, if a block fits there, is free. */
static void cut(struct header *block, size_t bytes)
{
    if (block->bytes - bytes < SMALLEST)
        return;
    struct header *rest = (struct header *)((char *)block + bytes);
    rest->bytes = block->bytes - bytes;
    rest->before = (uint32_t)(bytes / UNIT);
    rest->is_used = 0;
    block->bytes = bytes;
    link_next(rest);
    join_next(rest);
}

/* Bytes of a block that holds so many; 0 if none can. */
static size_t block_bytes(size_t bytes)
{
    if (bytes > RESERVE_BYTES)
        return 0;
    size_t size = (bytes + UNIT - 1) / UNIT * UNIT + UNIT;
    return size < SMALLEST ? SMALLEST : size;
}

/* What lies in front of the aligned place in a free block: 0, or enough for a block. */
static size_t padding(struct header *block, size_t alignment)
{
    uintptr_t content = (uintptr_t)block + UNIT;
    uintptr_t aligned = (content + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (aligned != content && aligned - content < SMALLEST)
        aligned += alignment < SMALLEST ? SMALLEST : alignment;
    return aligned - content;
}

static void *take(struct header *block, size_t bytes, size_t front)
{
    if (front) {
        cut(block, front);
        block = next(block);
    }
    cut(block, bytes);
    block->is_used = 1;
    used_bytes += block->bytes;
    struct header *behind = next(block);
    rover = behind ? behind : first();
    return (char *)block + UNIT;
}

/* With the lock held. */
static void *find(size_t bytes, size_t alignment)
{
    if (!bytes)
        return NULL;
    if (!rover) {
        rover = first();
        *rover = (struct header){.bytes = RESERVE_BYTES};
    }
    struct header *block = rover;
    do {
        if (!block->is_used) {
            size_t front = padding(block, alignment);
            if (block->bytes >= front && block->bytes - front >= bytes)
                return take(block, bytes, front);
        }
        block = next(block);
        if (!block)
            block = first();
    } while (block != rover);
    return NULL;
}

static const char *last_words;
static int last_status;

void memory_reserve_set_last_words(const char *text, int status)
{
    last_words = text;
    last_status = status;
}

static void say_exhausted(size_t bytes)
{
    char text[160];
    if (last_words) {
        // What was printed before comes first.
        fflush(stdout);
        (void)!write(STDOUT_FILENO, last_words, strlen(last_words));
        _exit(last_status);
    }
    int length = snprintf(text, sizeof text,
        "PyAclMdl: the system has no memory for %zu bytes, and the reserve of %zu bytes has no room for them.\n", bytes,
        RESERVE_BYTES);
    // Nobody is left to tell if this fails.
    if (length > 0)
        (void)!write(STDERR_FILENO, text, (size_t)length);
}

void memory_reserve_begin(void)
{
    refusals_before = refusals;
}

bool memory_reserve_was_used(void)
{
    return refusals != refusals_before;
}

void memory_reserve_note(void)
{
    refusals++;
}

unsigned long memory_reserve_refusals(void)
{
    return refusals;
}

size_t memory_reserve_used_bytes(void)
{
    return used_bytes;
}

size_t memory_reserve_total_bytes(void)
{
    return RESERVE_BYTES;
}

void *reserve_allocate(size_t bytes, size_t alignment)
{
    refusals++;
    pthread_mutex_lock(&lock);
    void *block = find(block_bytes(bytes), alignment < UNIT ? UNIT : alignment);
    pthread_mutex_unlock(&lock);
    if (!block)
        say_exhausted(bytes);
    return block;
}

/* Gives the system the pages back that lie in free blocks; what stays in use may keep its place for ever. */
static void trim(void)
{
    freed_bytes = 0;
    for (struct header *block = first(); block; block = next(block)) {
        char *start = reserve + ((char *)block + UNIT - reserve + PAGE - 1) / PAGE * PAGE;
        char *end = reserve + ((char *)block + block->bytes - reserve) / PAGE * PAGE;
        if (!block->is_used && start < end)
            madvise(start, (size_t)(end - start), MADV_DONTNEED);
    }
}

void reserve_free(void *content)
{
    pthread_mutex_lock(&lock);
    struct header *block = header_of(content);
    used_bytes -= block->bytes;
    freed_bytes += block->bytes;
    block->is_used = 0;
    join_next(block);
    struct header *front = previous(block);
    if (front && !front->is_used) {
        join_next(front);
        block = front;
    }
    rover = block;
    if (!used_bytes || freed_bytes >= TRIM_BYTES)
        trim();
    pthread_mutex_unlock(&lock);
}

size_t reserve_block_bytes(const void *content)
{
    return header_of(content)->bytes - UNIT;
}

bool reserve_resize(void *content, size_t bytes)
{
    struct header *block = header_of(content);
    size_t wanted = block_bytes(bytes);
    if (!wanted)
        return false;
    pthread_mutex_lock(&lock);
    size_t before = block->bytes;
    struct header *behind = next(block);
    if (behind && !behind->is_used && block->bytes + behind->bytes >= wanted)
        join_next(block);
    bool fits = block->bytes >= wanted;
    if (fits)
        cut(block, wanted);
    used_bytes += block->bytes - before;
    pthread_mutex_unlock(&lock);
    return fits;
}

static void hold_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void release_lock(void)
{
    pthread_mutex_unlock(&lock);
}

/* A forked child finds the heap whole and the lock free. The first handlers that are registered are the last that run
 * before a fork, so that none of ours asks for memory in between. */
__attribute__((constructor(101))) static void prepare_reserve(void)
{
    // A large page would be taken whole.
    madvise(reserve, RESERVE_BYTES, MADV_NOHUGEPAGE);
    pthread_atfork(hold_lock, release_lock, release_lock);
}
