/* SPDX-License-Identifier: Apache-2.0 */
#include "CProcessor.h"

#include <unistd.h>

int processor_x86_64_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4"))
        return 4;
    if (__builtin_cpu_supports("x86-64-v3"))
        return 3;
    return __builtin_cpu_supports("x86-64-v2") ? 2 : 1;
#else
    return 0;
#endif
}

long processor_second_cache(void)
{
    const long least = 256 << 10, most = 2 << 20;
    const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (size <= 0)
        return 512 << 10;
    return size < least ? least : size > most ? most : size;
}
