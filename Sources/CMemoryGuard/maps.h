/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc/self/maps without allocating. */
#ifndef PYACLMDL_MAPS_H
#define PYACLMDL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
    uintptr_t start;
    uintptr_t end;
    /* PROT_READ and so on. */
    int protection;
    bool is_file;
    /* As much of it as fits. */
    char name[48];
};

struct maps {
    int file;
    size_t next;
    size_t filled;
    char text[2048];
};

/* False where there is no /proc. */
bool maps_open(struct maps *maps);
/* The next mapping, by ascending addresses; false after the last. */
bool maps_next(struct maps *maps, struct mapping *mapping);
void maps_close(struct maps *maps);

#endif
