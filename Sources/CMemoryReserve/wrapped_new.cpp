/* SPDX-License-Identifier: Apache-2.0 */
/* `operator new` and `operator delete`, which the C++ parts of Swift's runtime use; nothing there could catch an
 * exception. */
#ifdef MEMORY_RESERVE_WRAPS

#include <stddef.h>

#include "reserve.h"

namespace std
{
enum class align_val_t : size_t {};
[[noreturn]] void terminate() noexcept;
} // namespace std

extern "C" {

void *__real__Znwm(size_t bytes);
void *__real__ZnwmSt11align_val_t(size_t bytes, std::align_val_t alignment);
void __real__ZdlPv(void *block);
void __real__ZdlPvm(void *block, size_t bytes);
void __real__ZdlPvmSt11align_val_t(void *block, size_t bytes, std::align_val_t alignment);

static void *required(void *block)
{
    if (!block)
        std::terminate();
    return block;
}

void *__wrap__Znwm(size_t bytes)
{
    try {
        return __real__Znwm(bytes);
    } catch (...) {
        return required(reserve_allocate(bytes, 1));
    }
}

void *__wrap__ZnwmSt11align_val_t(size_t bytes, std::align_val_t alignment)
{
    try {
        return __real__ZnwmSt11align_val_t(bytes, alignment);
    } catch (...) {
        return required(reserve_allocate(bytes, static_cast<size_t>(alignment)));
    }
}

void __wrap__ZdlPv(void *block)
{
    if (reserve_holds(block))
        reserve_free(block);
    else
        __real__ZdlPv(block);
}

void __wrap__ZdlPvm(void *block, size_t bytes)
{
    if (reserve_holds(block))
        reserve_free(block);
    else
        __real__ZdlPvm(block, bytes);
}

void __wrap__ZdlPvmSt11align_val_t(void *block, size_t bytes, std::align_val_t alignment)
{
    if (reserve_holds(block))
        reserve_free(block);
    else
        __real__ZdlPvmSt11align_val_t(block, bytes, alignment);
}
}

#endif
