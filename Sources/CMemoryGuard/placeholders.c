/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "internal.h"
#include "maps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define NAME "pyaclmdl placeholder"

/* Can be read as well, on x86 and ARM. Nobody else asks for it, so it tells whether the program has changed the
 * protection of a placeholder: then what comes back gets the protection that the program wants by now. */
#define PROTECTION PROT_WRITE

/* Pages that are moved away are copied, so not too many at a time. */
enum { MOST_MOVED = 1 << 20 };

struct placeholder {
    uintptr_t start;
    /* 0 for an entry that is not used. */
    size_t bytes;
    /* Where the pages are that belong here; 0 if there were none. */
    uintptr_t aside;
    enum memory_fault_kind kind;
    bool is_named;
    bool is_gone;
    const struct memory_guard *owner;
    uint64_t epoch;
};

enum { ENTRIES = 80 };

struct block {
    struct block *next;
    struct placeholder entries[ENTRIES];
};

_Atomic uint32_t placeholder_count;
static struct block first_block;

uintptr_t page_bytes(void)
{
    return (uintptr_t)sysconf(_SC_PAGESIZE);
}

static void *at(uintptr_t address)
{
    return (void *)address;
}

/* Anonymous memory that may be written; MAP_FAILED where something else is. */
static void *map_new(uintptr_t start, size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (start ? MAP_FIXED_NOREPLACE : 0);
    void *place = mmap(at(start), bytes, PROTECTION, flags, -1, 0);

    /* Before Linux 4.17 the address is a wish. */
    if (start && place != MAP_FAILED && place != at(start)) {
        munmap(place, bytes);
        errno = EEXIST;
        return MAP_FAILED;
    }
    return place;
}

static struct placeholder *unused_entry(void)
{
    for (struct block *block = &first_block;; block = block->next) {
        for (int index = 0; index < ENTRIES; index++) {
            if (block->entries[index].bytes == 0) {
                return &block->entries[index];
            }
        }
        if (!block->next) {
            void *more = map_new(0, sizeof *block);

            if (more == MAP_FAILED) {
                return NULL;
            }
            block->next = more;
        }
    }
}

/* The entry that covers the page, or null. */
static struct placeholder *entry_at(uintptr_t page)
{
    for (struct block *block = &first_block; block; block = block->next) {
        for (int index = 0; index < ENTRIES; index++) {
            struct placeholder *entry = &block->entries[index];

            if (page >= entry->start && page - entry->start < entry->bytes) {
                return entry;
            }
        }
    }
    return NULL;
}

static size_t half(size_t bytes)
{
    return bytes / 2 / page_bytes() * page_bytes();
}

/* Fills a hole: as much of it as there is, since kernels go on from where they fail. */
static bool fill_hole(struct placeholder *entry, uintptr_t page, size_t most)
{
    for (size_t bytes = most; bytes > 0; bytes = half(bytes)) {
        if (map_new(page, bytes) != MAP_FAILED) {
            entry->start = page;
            entry->bytes = bytes;
            return true;
        }
        if (bytes == page_bytes() && errno == EEXIST) {
            /* Somebody was faster: the access may work by now. */
            return true;
        }
    }
    return false;
}

/* Copies without a fault what may be read. */
static void copy_readable(void *to, uintptr_t from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        struct iovec target = {(char *)to + done, bytes - done};
        struct iovec source = {at(from + done), bytes - done};
        ssize_t copied = process_vm_readv(getpid(), &target, 1, &source, 1, 0);

        /* What stops it is a page that cannot be read. */
        done += copied > 0 ? (size_t)copied : page_bytes();
    }
}

/* Moves the pages at `from` to `to`, where they replace what is there. `keeps` leaves the place in use, as empty pages,
 * so that nothing else can get there and no other thread finds a hole. */
static bool move(uintptr_t from, size_t bytes, uintptr_t to, bool keeps)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keeps ? MREMAP_DONTUNMAP : 0);

    return mremap(at(from), bytes, bytes, flags, at(to)) != MAP_FAILED;
}

/* Takes the pages from their place, which then holds something of ours. */
static bool put_aside(uintptr_t page, size_t bytes, uintptr_t aside)
{
    /* Before Linux 5.7, for files before 5.13, there is a hole for a moment. */
    return move(page, bytes, aside, true) || (move(page, bytes, aside, false) && map_new(page, bytes) != MAP_FAILED);
}

/* The mapping of a page; false if there is none, or no /proc to ask. */
static bool find_mapping(uintptr_t page, struct mapping *mapping)
{
    struct maps maps;
    bool is_found = false;

    if (maps_open(&maps)) {
        while (!is_found && maps_next(&maps, mapping) && mapping->start <= page) {
            is_found = page < mapping->end;
        }
        maps_close(&maps);
    }
    return is_found;
}

/* Puts pages that can be written where some cannot; those are kept aside. The content is the same: other threads may
 * read it, and kernels have addresses of their own in the workspace. */
static bool replace(struct placeholder *entry, uintptr_t page, size_t most)
{
    struct mapping mapping;
    bool is_known = find_mapping(page, &mapping);
    bool is_readable = !is_known || mapping.protection & PROT_READ;
    size_t bytes = is_known ? mapping.end - page : page_bytes();

    /* Pages of several mappings do not move together, or come back apart. */
    most = most < MOST_MOVED ? most : MOST_MOVED;
    bytes = bytes < most ? bytes : most;
    void *copy = map_new(0, bytes);
    void *aside = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (copy != MAP_FAILED && aside != MAP_FAILED) {
        if (is_readable) {
            copy_readable(copy, page, bytes);
        }
        if (put_aside(page, bytes, (uintptr_t)aside)) {
            if (is_known && !is_readable && mprotect(aside, bytes, PROT_READ) == 0) {
                copy_readable(copy, (uintptr_t)aside, bytes);
                mprotect(aside, bytes, mapping.protection);
            }
            entry->start = page;
            entry->bytes = bytes;
            entry->aside = (uintptr_t)aside;
            if (move((uintptr_t)copy, bytes, page, false)) {
                return true;
            }
            move((uintptr_t)aside, bytes, page, false);
            entry->bytes = 0;
        }
    }
    if (copy != MAP_FAILED) {
        munmap(copy, bytes);
    }
    if (aside != MAP_FAILED) {
        munmap(aside, bytes);
    }
    return false;
}

static void name(struct placeholder *entry, uintptr_t start, size_t bytes)
{
    entry->is_named = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, bytes, NAME) == 0;
}

/* Lets the entry before a new one take it over, so that entries are few where holes are filled page by page. */
static bool extend(const struct placeholder *entry)
{
    struct placeholder *previous = entry->aside ? NULL : entry_at(entry->start - 1);

    if (!previous || previous->aside || previous->owner != entry->owner || previous->epoch != entry->epoch ||
        previous->is_named != entry->is_named) {
        return false;
    }
    previous->bytes += entry->bytes;
    return true;
}

bool placeholder_install(
    struct memory_guard *owner, uint64_t epoch, enum memory_fault_kind kind, uintptr_t page, uintptr_t limit)
{
    struct placeholder *entry = entry_at(page);

    if (entry && kind != MEMORY_FAULT_MISSING) {
        struct mapping mapping;

        /* Another thread was faster, or the program has protected the placeholder. */
        return (find_mapping(page, &mapping) && mapping.protection & PROT_WRITE) ||
               mprotect(at(page), page_bytes(), PROTECTION) == 0;
    }
    if (entry) {
        /* Somebody has unmapped a placeholder, so what was there before must not come back. */
        entry->is_gone = true;
        if (map_new(page, page_bytes()) == MAP_FAILED) {
            return errno == EEXIST;
        }
        name(entry, page, page_bytes());
        return true;
    }
    entry = unused_entry();
    if (!entry) {
        return false;
    }
    entry->kind = kind;
    entry->owner = owner;
    entry->epoch = epoch;
    entry->aside = 0;
    entry->is_gone = false;
    if (!(kind == MEMORY_FAULT_MISSING ? fill_hole : replace)(entry, page, limit - page)) {
        return false;
    }
    if (entry->bytes > 0) {
        name(entry, page, entry->bytes);
        if (extend(entry)) {
            entry->bytes = 0;
        } else {
            atomic_fetch_add(&placeholder_count, 1);
        }
    }
    return true;
}

/* Gives the part of an entry that is still a placeholder back to what was there. */
static void restore(const struct placeholder *entry, uintptr_t start, uintptr_t end, int protection)
{
    uintptr_t aside = entry->aside + (start - entry->start);

    if (entry->aside && !entry->is_gone && move(aside, end - start, start, false)) {
        if (protection != PROTECTION) {
            mprotect(at(start), end - start, protection);
        }
        return;
    }
    munmap(at(start), end - start);
    if (entry->aside) {
        munmap(at(aside), end - start);
    }
}

/* Forgets what belongs to a part of an entry where the program has put something else, or nothing, meanwhile. */
static void drop(const struct placeholder *entry, uintptr_t start, uintptr_t end)
{
    if (entry->aside && end > start) {
        munmap(at(entry->aside + (start - entry->start)), end - start);
    }
}

static void remove_entry(struct placeholder *entry)
{
    struct maps maps;
    struct mapping mapping;
    uintptr_t next = entry->start;
    uintptr_t end = entry->start + entry->bytes;

    if (maps_open(&maps)) {
        while (next < end && maps_next(&maps, &mapping) && mapping.start < end) {
            uintptr_t from = mapping.start > next ? mapping.start : next;
            uintptr_t to = mapping.end < end ? mapping.end : end;

            if (from < to && !mapping.is_file && (!entry->is_named || strcmp(mapping.name, "[anon:" NAME "]") == 0)) {
                drop(entry, next, from);
                restore(entry, from, to, mapping.protection);
                next = to;
            }
        }
        maps_close(&maps);
        drop(entry, next, end);
    } else {
        restore(entry, next, end, PROTECTION);
    }
    entry->bytes = 0;
    atomic_fetch_sub(&placeholder_count, 1);
}

void placeholders_remove(const struct memory_guard *owner, uint64_t epoch)
{
    for (struct block *block = &first_block; block; block = block->next) {
        for (int index = 0; index < ENTRIES; index++) {
            struct placeholder *entry = &block->entries[index];

            if (entry->bytes > 0 && (!owner || (entry->owner == owner && entry->epoch == epoch))) {
                remove_entry(entry);
            }
        }
    }
}

bool placeholder_overlaps(uintptr_t start, uintptr_t end, enum memory_fault_kind *kind, uintptr_t *address)
{
    for (struct block *block = &first_block; block; block = block->next) {
        for (int index = 0; index < ENTRIES; index++) {
            const struct placeholder *entry = &block->entries[index];

            if (entry->bytes > 0 && start < entry->start + entry->bytes && entry->start < end) {
                *kind = entry->kind;
                *address = start > entry->start ? start : entry->start;
                return true;
            }
        }
    }
    return false;
}
