/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "maps.h"

#include "CMemoryGuard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool maps_open(struct maps *maps)
{
    maps->next = maps->filled = 0;
    maps->file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    return maps->file >= 0;
}

void maps_close(struct maps *maps)
{
    close(maps->file);
}

/* The next character; -1 at the end. */
static int take(struct maps *maps)
{
    if (maps->next == maps->filled) {
        ssize_t count;

        do {
            count = read(maps->file, maps->text, sizeof maps->text);
        } while (count < 0 && errno == EINTR);
        if (count <= 0) {
            return -1;
        }
        maps->next = 0;
        maps->filled = (size_t)count;
    }
    return (unsigned char)maps->text[maps->next++];
}

/* A number and the character after it. */
static uintptr_t take_number(struct maps *maps, uintptr_t base)
{
    uintptr_t value = 0;

    for (int one = take(maps);; one = take(maps)) {
        if (one >= '0' && one <= '9') {
            value = value * base + (uintptr_t)(one - '0');
        } else if (one >= 'a' && one <= 'f' && base == 16) {
            value = value * base + (uintptr_t)(one - 'a' + 10);
        } else {
            return value;
        }
    }
}

bool maps_next(struct maps *maps, struct mapping *mapping)
{
    size_t length = 0;
    int one;

    /* 7f0000000000-7f0000001000 rw-p 00000000 00:00 0     name */
    mapping->start = take_number(maps, 16);
    mapping->end = take_number(maps, 16);
    mapping->protection = take(maps) == 'r' ? PROT_READ : 0;
    mapping->protection |= take(maps) == 'w' ? PROT_WRITE : 0;
    mapping->protection |= take(maps) == 'x' ? PROT_EXEC : 0;
    take(maps);
    take(maps);
    take_number(maps, 16);
    take_number(maps, 16);
    take_number(maps, 16);
    mapping->is_file = false;
    do {
        one = take(maps);
        mapping->is_file |= one >= '1' && one <= '9';
    } while (one >= '0' && one <= '9');
    while (one == ' ') {
        one = take(maps);
    }
    for (; one >= 0 && one != '\n'; one = take(maps)) {
        if (length + 1 < sizeof mapping->name) {
            mapping->name[length++] = (char)one;
        }
    }
    mapping->name[length] = 0;
    return mapping->end != 0;
}

bool memory_is_usable(uintptr_t start, size_t bytes, bool is_written, struct memory_fault *problem)
{
    struct maps maps;
    struct mapping mapping;
    enum memory_fault_kind kind = MEMORY_FAULT_MISSING;
    int wanted = PROT_READ | (is_written ? PROT_WRITE : 0);

    if (!maps_open(&maps)) {
        return true;
    }
    while (bytes > 0 && maps_next(&maps, &mapping) && mapping.start <= start) {
        if (mapping.end <= start) {
            continue;
        }
        if ((mapping.protection & wanted) != wanted) {
            kind = mapping.protection & PROT_READ ? MEMORY_FAULT_READ_ONLY : MEMORY_FAULT_FORBIDDEN;
            break;
        }
        bytes -= bytes < mapping.end - start ? bytes : mapping.end - start;
        start = mapping.end;
    }
    maps_close(&maps);
    *problem = (struct memory_fault){.kind = kind, .address = start};
    return bytes == 0;
}
