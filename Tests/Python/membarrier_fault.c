/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded: a system that refuses membarrier(2) from the FAULT_AT-th call on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>

typedef long function(long, ...);

long syscall(long number, ...)
{
    static int calls;
    static function *original;
    long given[6];
    va_list list;

    va_start(list, number);
    for (int index = 0; index < 6; index++) {
        given[index] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_membarrier && ++calls >= atoi(getenv("FAULT_AT"))) {
        errno = EPERM;
        return -1;
    }
    if (!original) {
        *(void **)&original = dlsym(RTLD_NEXT, "syscall");
    }
    return original(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}
