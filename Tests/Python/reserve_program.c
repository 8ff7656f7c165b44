/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of the reserve against a plain list of blocks: random calls, exhaustion, threads and forks.
 *
 * usage: reserve_program SEED */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CMemoryReserve.h"
#include "reserve.h"

enum { BLOCKS = 400, CALLS = 20000, THREADS = 3, FORKS = 30 };

#define ASSERT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct block {
    unsigned char *content;
    size_t bytes;
    unsigned char fill;
};

static void check(const struct block *block)
{
    for (size_t index = 0; index < block->bytes; index++)
        ASSERT(block->content[index] == block->fill);
}

static void walk(unsigned seed, long calls)
{
    struct block blocks[BLOCKS] = {{NULL, 0, 0}};
    for (long call = 0; call < calls; call++) {
        struct block *block = &blocks[rand_r(&seed) % BLOCKS];
        size_t bytes = rand_r(&seed) % 8 ? rand_r(&seed) % 300 : rand_r(&seed) % 60000;
        if (!block->content) {
            size_t alignment = (size_t)1 << rand_r(&seed) % 13;
            block->content = reserve_allocate(bytes, alignment);
            ASSERT(block->content && reserve_holds(block->content) && reserve_holds(block->content + bytes));
            ASSERT((uintptr_t)block->content % alignment == 0 && (uintptr_t)block->content % 16 == 0);
        } else {
            check(block);
            if (rand_r(&seed) % 3) {
                reserve_free(block->content);
                block->content = NULL;
                block->bytes = 0;
                continue;
            }
            size_t kept = block->bytes < bytes ? block->bytes : bytes;
            if (!reserve_resize(block->content, bytes))
                continue;
            check(&(struct block){block->content, kept, block->fill});
        }
        ASSERT(reserve_block_bytes(block->content) >= bytes);
        block->bytes = bytes;
        block->fill = (unsigned char)rand_r(&seed);
        memset(block->content, block->fill, bytes);
    }
    for (int index = 0; index < BLOCKS; index++) {
        if (blocks[index].content) {
            check(&blocks[index]);
            reserve_free(blocks[index].content);
        }
    }
}

static atomic_bool over;

static void *hammer(void *seed)
{
    for (unsigned round = 0; !atomic_load(&over); round++)
        walk(*(unsigned *)seed + round, 500);
    return NULL;
}

/* Everything has been given back: a block of nearly all bytes fits, one more byte too many does not. */
static void check_whole(void)
{
    ASSERT(memory_reserve_used_bytes() == 0);
    void *block = reserve_allocate(memory_reserve_total_bytes() - 64, 1);
    ASSERT(block && !reserve_allocate(100, 1) && !reserve_allocate((size_t)-1, 1));
    reserve_free(block);
    ASSERT(memory_reserve_used_bytes() == 0);
}

static size_t resident_bytes(void)
{
    static unsigned char pages[RESERVE_BYTES / 4096];
    ASSERT(!mincore(reserve, RESERVE_BYTES, pages));
    size_t bytes = 0;
    for (size_t page = 0; page < sizeof pages; page++)
        bytes += (pages[page] & 1) * 4096;
    return bytes;
}

int main(int count, char **arguments)
{
    unsigned seed = count > 1 ? (unsigned)atoi(arguments[1]) : 1;
    ASSERT(memory_reserve_total_bytes() == RESERVE_BYTES);
    memory_reserve_begin();
    ASSERT(!memory_reserve_was_used());
    walk(seed, CALLS);
    ASSERT(memory_reserve_was_used());
    memory_reserve_begin();
    ASSERT(!memory_reserve_was_used());
    check_whole();

    // Small blocks until nothing is left, given back in another order.
    size_t room = RESERVE_BYTES / 1024;
    void **all = calloc(room, sizeof *all);
    size_t made = 0;
    while (made < room && (all[made] = reserve_allocate(1000, 1)))
        made++;
    ASSERT(made > room - 32);
    ASSERT(resident_bytes() > RESERVE_BYTES / 2);
    for (size_t step = 0; step < 3; step++) {
        for (size_t index = step; index < made; index += 3) {
            if (index != made / 2)
                reserve_free(all[index]);
        }
    }
    // One that stays in use keeps nobody else's pages.
    ASSERT(resident_bytes() < 512 << 10);
    reserve_free(all[made / 2]);
    ASSERT(resident_bytes() <= 4096);
    free(all);
    check_whole();

    pthread_t threads[THREADS];
    unsigned seeds[THREADS];
    for (int index = 0; index < THREADS; index++) {
        seeds[index] = seed + 1000 * (unsigned)index;
        ASSERT(!pthread_create(&threads[index], NULL, hammer, &seeds[index]));
    }
    for (int index = 0; index < FORKS; index++) {
        pid_t child = fork();
        if (!child) {
            alarm(20);
            walk(seed, 500);
            _exit(0);
        }
        int status;
        ASSERT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&over, true);
    for (int index = 0; index < THREADS; index++)
        pthread_join(threads[index], NULL);
    check_whole();
    return 0;
}
