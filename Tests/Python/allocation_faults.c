// SPDX-License-Identifier: Apache-2.0
// Preloaded: lets allocations of the armed thread, or of all threads, fail, and counts what is live.
//
// The dynamic loader's own requests always succeed: it ends the process when it gets no memory for a thread's
// variables.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocation_faults.h"

// glibc's own entry points: looking up the next definition of calloc would itself allocate.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local bool armed __attribute__((tls_model("initial-exec")));
static atomic_bool armed_everywhere;
static atomic_long asked, failing, live_blocks, live_bytes;
static atomic_bool failing_on;

static struct {
    const char *name;
    uintptr_t start, bytes;
} spared[] = {{"ld-linux", 0, 0}};

enum { SPARED = sizeof spared / sizeof *spared };

static int find_spared(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (int library = 0; library < SPARED; library++) {
        if (!strstr(info->dlpi_name, spared[library].name))
            continue;
        spared[library].start = info->dlpi_addr;
        for (int index = 0; index < info->dlpi_phnum; index++) {
            uintptr_t end = info->dlpi_phdr[index].p_vaddr + info->dlpi_phdr[index].p_memsz;
            if (end > spared[library].bytes)
                spared[library].bytes = end;
        }
    }
    return 0;
}

static bool fails(void *caller)
{
    if (!armed && !atomic_load_explicit(&armed_everywhere, memory_order_relaxed))
        return false;
    for (int library = 0; library < SPARED; library++) {
        if ((uintptr_t)caller - spared[library].start < spared[library].bytes)
            return false;
    }
    long number = atomic_fetch_add(&asked, 1) + 1;
    long first = atomic_load(&failing);
    return number == first || (first && number > first && atomic_load(&failing_on));
}

#define FAILS() fails(__builtin_return_address(0))

static void *made(void *block)
{
    if (block) {
        atomic_fetch_add(&live_blocks, 1);
        atomic_fetch_add(&live_bytes, (long)malloc_usable_size(block));
    }
    return block;
}

static void *refused(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return FAILS() ? refused() : made(__libc_malloc(size));
}
void *calloc(size_t count, size_t size)
{
    return FAILS() ? refused() : made(__libc_calloc(count, size));
}
void *memalign(size_t alignment, size_t size)
{
    return FAILS() ? refused() : made(__libc_memalign(alignment, size));
}
void *aligned_alloc(size_t alignment, size_t size)
{
    return FAILS() ? refused() : made(__libc_memalign(alignment, size));
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *place = FAILS() ? NULL : made(__libc_memalign(alignment, size));
    if (!place)
        return ENOMEM;
    *block = place;
    return 0;
}

void free(void *block)
{
    int saved = errno;
    if (block) {
        atomic_fetch_sub(&live_blocks, 1);
        atomic_fetch_sub(&live_bytes, (long)malloc_usable_size(block));
    }
    __libc_free(block);
    errno = saved;
}

void *realloc(void *block, size_t size)
{
    if (FAILS())
        return refused();
    long before = block ? (long)malloc_usable_size(block) : 0;
    void *place = __libc_realloc(block, size);
    if (!place && (size || !block))
        return NULL;
    atomic_fetch_add(&live_blocks, (place != NULL) - (block != NULL));
    atomic_fetch_add(&live_bytes, (place ? (long)malloc_usable_size(place) : 0) - before);
    return place;
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (!next)
        next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    if (FAILS()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return next(address, size, protection, flags, file, offset);
}

void faults_begin(long first, int on, int everywhere)
{
    dl_iterate_phdr(find_spared, NULL);
    atomic_store(&asked, 0);
    atomic_store(&failing, first);
    atomic_store(&failing_on, on != 0);
    armed = true;
    atomic_store(&armed_everywhere, everywhere != 0);
}

long faults_end(void)
{
    armed = false;
    atomic_store(&armed_everywhere, false);
    return atomic_load(&asked);
}

long faults_live_blocks(void)
{
    return atomic_load(&live_blocks);
}
long faults_live_bytes(void)
{
    return atomic_load(&live_bytes);
}

__attribute__((constructor)) static void begin(void)
{
    const char *first = getenv("FAULTS_FIRST");
    if (first)
        faults_begin(atol(first), getenv("FAULTS_ON") != NULL, 1);
}

__attribute__((destructor)) static void tell(void)
{
    if (getenv("FAULTS_FIRST"))
        dprintf(STDERR_FILENO, "allocations: %ld\n", faults_end());
}
