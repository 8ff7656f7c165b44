// SPDX-License-Identifier: Apache-2.0
// Preloaded: counts calls of the allocation functions between two marks, by the library that asked for the memory.
//
// An allocation belongs to the innermost library on the stack that is neither this one nor a runtime that allocates for
// its callers (libc, libstdc++, libgcc). The Swift runtime is linked into libascendcl.so and so counts as that.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { OWNERS = 3, FRAMES = 48, TEXT = 4096 };

static const char *const names[OWNERS] = {"libascendcl", "python", ""};
static atomic_long counts[OWNERS];
static atomic_int counting;
static atomic_int described;
static void *own_base;
static char text[TEXT];
static _Thread_local int inside;

static int owner_of(void *address)
{
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname)
        return -1;
    const char *file = strrchr(info.dli_fname, '/');
    file = file ? file + 1 : info.dli_fname;
    if (info.dli_fbase == own_base || !strncmp(file, "libc.", 5) || !strncmp(file, "libstdc++", 9) ||
        !strncmp(file, "libgcc_s", 8) || !strncmp(file, "ld-linux", 8))
        return -1;
    for (int owner = 0; owner < OWNERS - 1; owner++) {
        if (!strncmp(file, names[owner], strlen(names[owner])))
            return owner;
    }
    return OWNERS - 1;
}

static void describe(void *const *frames, int count)
{
    if (atomic_exchange(&described, 1))
        return;
    size_t used = 0;
    for (int frame = 0; frame < count && used < TEXT - 1; frame++) {
        Dl_info info;
        if (!dladdr(frames[frame], &info) || !info.dli_fname)
            continue;
        const char *file = strrchr(info.dli_fname, '/');
        int size = snprintf(text + used, TEXT - used, "%s+0x%zx %s\n", file ? file + 1 : info.dli_fname,
            (size_t)((char *)frames[frame] - (char *)info.dli_fbase), info.dli_sname ? info.dli_sname : "");
        used += size > 0 ? (size_t)size : 0;
    }
}

static void note(void)
{
    if (!atomic_load(&counting) || inside)
        return;
    inside = 1;
    int saved = errno;
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    int owner = -1;
    for (int frame = 0; frame < count && owner < 0; frame++)
        owner = owner_of(frames[frame]);
    if (owner < 0)
        owner = OWNERS - 1;
    atomic_fetch_add(&counts[owner], 1);
    if (owner == 0)
        describe(frames, count);
    errno = saved;
    inside = 0;
}

// glibc's own entry points: looking up the next definition of calloc would itself allocate.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    note();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    note();
    void *made = __libc_memalign(alignment, size);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

// Freeing belongs to allocating: a steady state does neither.
void free(void *block)
{
    if (block)
        note();
    __libc_free(block);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    static void *(*next)(void *, size_t, int, int, int, off_t);
    note();
    if (!next)
        next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
    return next(address, size, protection, flags, file, offset);
}

void counter_begin(void)
{
    void *frames[1];
    Dl_info info;
    // The first use of the unwinder allocates.
    backtrace(frames, 1);
    own_base = dladdr((void *)counter_begin, &info) ? info.dli_fbase : NULL;
    for (int owner = 0; owner < OWNERS; owner++)
        atomic_store(&counts[owner], 0);
    atomic_store(&described, 0);
    text[0] = 0;
    atomic_store(&counting, 1);
}

void counter_end(void)
{
    atomic_store(&counting, 0);
}

long counter_calls(int owner)
{
    return atomic_load(&counts[owner]);
}

// The stack of the first call that belongs to libascendcl.so.
const char *counter_first_stack(void)
{
    return text;
}
