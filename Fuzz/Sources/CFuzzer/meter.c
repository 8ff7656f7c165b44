// SPDX-License-Identifier: Apache-2.0

#include "cfuzzer.h"

#include <sanitizer/allocator_interface.h>
#include <stdatomic.h>

static _Atomic int64_t live;
static _Atomic int64_t peak;
static _Atomic int installed;

static void on_allocation(const volatile void *pointer, size_t size)
{
    (void)pointer;
    int64_t now = atomic_fetch_add(&live, (int64_t)size) + (int64_t)size;
    int64_t most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now)) {
    }
}

static void on_free(const volatile void *pointer)
{
    if (pointer)
        atomic_fetch_sub(&live, (int64_t)__sanitizer_get_allocated_size(pointer));
}

void meter_start(void)
{
    if (!atomic_exchange(&installed, 1))
        __sanitizer_install_malloc_and_free_hooks(on_allocation, on_free);
    atomic_store(&live, 0);
    atomic_store(&peak, 0);
}

size_t meter_peak(void)
{
    int64_t most = atomic_load(&peak);
    return most > 0 ? (size_t)most : 0;
}
