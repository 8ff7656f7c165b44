/* SPDX-License-Identifier: Apache-2.0 */
/* oneDNN is a library of its own, where the linker wraps nothing, and follows null pointers when it gets no memory for
 * an object. So the slots through which it calls the allocation functions are changed once, before its first use. */
#ifdef MEMORY_RESERVE_WRAPS

#include <link.h>
#include <new>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CMemoryReserve.h"
#include "reserve.h"

extern "C" {
void *__real_malloc(size_t bytes);
int __real_posix_memalign(void **block, size_t alignment, size_t bytes);
void *__real__Znwm(size_t bytes);
void __wrap_free(void *block);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap__ZdlPv(void *block);
void __wrap__ZdlPvm(void *block, size_t bytes);
}

namespace
{

/* Larger blocks are in proportion to tensors; for them oneDNN looks whether it got one. */
constexpr size_t largest = 1 << 18;
constexpr size_t largest_code = 1 << 20;

void *small_block(size_t bytes, size_t alignment)
{
    return bytes <= largest ? reserve_allocate(bytes, alignment) : nullptr;
}

void *checked_malloc(size_t bytes)
{
    void *block = __real_malloc(bytes);
    return block ? block : small_block(bytes, 1);
}

int checked_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    int error = __real_posix_memalign(block, alignment, bytes);
    void *reserved = error ? small_block(bytes, alignment) : nullptr;
    if (!reserved)
        return error;
    *block = reserved;
    return 0;
}

void *checked_new(size_t bytes)
{
    try {
        return __real__Znwm(bytes);
    } catch (...) {
        if (void *block = small_block(bytes, 1))
            return block;
        throw;
    }
}

/* The second try of `operator new`, after its handler has asked for this. */
void *retried_malloc(size_t bytes)
{
    void *block = small_block(bytes, 1);
    reserve_retry = block ? RESERVE_NOT_ASKED : RESERVE_REFUSED;
    return block;
}

void *redirected_malloc(size_t bytes)
{
    if (__builtin_expect(reserve_retry == RESERVE_ASKED, 0))
        return retried_malloc(bytes);
    if (!memory_reserve_serves) [[clang::musttail]]
        return __real_malloc(bytes);
    return checked_malloc(bytes);
}

int redirected_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    if (!memory_reserve_serves) [[clang::musttail]]
        return __real_posix_memalign(block, alignment, bytes);
    return checked_posix_memalign(block, alignment, bytes);
}

void *redirected_new(size_t bytes)
{
    if (!memory_reserve_serves) [[clang::musttail]]
        return __real__Znwm(bytes);
    return checked_new(bytes);
}

/* Where oneDNN puts the code that it generates. Once it gets no place for some, it generates none in this thread any
 * more. */
void *checked_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    void *place = mmap(address, size, protection, flags, file, offset);
    bool is_plain = !address && file == -1 && (flags & MAP_ANONYMOUS) && protection == (PROT_READ | PROT_WRITE);
    if (place != MAP_FAILED || !is_plain || size > largest_code)
        return place;
    // Pages of its own, since their protection will change.
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void *block = reserve_allocate((size + page - 1) & ~(page - 1), page);
    return block ? memset(block, 0, size) : MAP_FAILED;
}

void *redirected_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    if (!memory_reserve_serves) [[clang::musttail]]
        return mmap(address, size, protection, flags, file, offset);
    return checked_mmap(address, size, protection, flags, file, offset);
}

int redirected_munmap(void *address, size_t size)
{
    if (!reserve_holds(address)) [[clang::musttail]]
        return munmap(address, size);
    int error = mprotect(address, size, PROT_READ | PROT_WRITE);
    if (!error)
        reserve_free(address);
    return error;
}

struct Replacement {
    const char *name;
    void *function;
};

const Replacement replacements[] = {
    {"malloc", reinterpret_cast<void *>(redirected_malloc)},
    {"posix_memalign", reinterpret_cast<void *>(redirected_posix_memalign)},
    {"realloc", reinterpret_cast<void *>(__wrap_realloc)},
    {"free", reinterpret_cast<void *>(__wrap_free)},
    {"mmap", reinterpret_cast<void *>(redirected_mmap)},
    {"munmap", reinterpret_cast<void *>(redirected_munmap)},
    {"_Znwm", reinterpret_cast<void *>(redirected_new)},
    {"_ZdlPv", reinterpret_cast<void *>(__wrap__ZdlPv)},
    {"_ZdlPvm", reinterpret_cast<void *>(__wrap__ZdlPvm)},
};

void *replacement_of(const char *name)
{
    for (const Replacement &replacement : replacements) {
        if (!strcmp(name, replacement.name))
            return replacement.function;
    }
    return nullptr;
}

/* The imports of a loaded library. */
class Imports
{
  public:
    explicit Imports(const dl_phdr_info *library) : base(library->dlpi_addr)
    {
        for (int index = 0; index < library->dlpi_phnum; index++) {
            const ElfW(Phdr) &segment = library->dlpi_phdr[index];
            if (segment.p_type == PT_DYNAMIC)
                read(reinterpret_cast<const ElfW(Dyn) *>(base + segment.p_vaddr));
            if (segment.p_type == PT_GNU_RELRO)
                protect(base + segment.p_vaddr, segment.p_memsz);
        }
    }

    void redirect() const
    {
        // The loader has made the slots read-only after it had filled them.
        if (bytes && mprotect(start, bytes, PROT_READ | PROT_WRITE))
            return;
        each([](const char *name, void **slot) {
            if (void *function = replacement_of(name))
                *slot = function;
        });
        if (bytes)
            mprotect(start, bytes, PROT_READ);
    }

  private:
    uintptr_t base;
    const ElfW(Sym) *symbols = nullptr;
    const char *names = nullptr;
    const ElfW(Rela) * tables[2] = {};
    size_t sizes[2] = {};
    void *start = nullptr;
    size_t bytes = 0;

    void read(const ElfW(Dyn) * entry)
    {
        for (; entry->d_tag != DT_NULL; entry++) {
            // glibc has turned these into addresses.
            auto place = reinterpret_cast<const void *>(entry->d_un.d_ptr);
            switch (entry->d_tag) {
            case DT_SYMTAB:
                symbols = static_cast<const ElfW(Sym) *>(place);
                break;
            case DT_STRTAB:
                names = static_cast<const char *>(place);
                break;
            case DT_JMPREL:
                tables[0] = static_cast<const ElfW(Rela) *>(place);
                break;
            case DT_PLTRELSZ:
                sizes[0] = entry->d_un.d_val;
                break;
            case DT_RELA:
                tables[1] = static_cast<const ElfW(Rela) *>(place);
                break;
            case DT_RELASZ:
                sizes[1] = entry->d_un.d_val;
                break;
            }
        }
    }

    void protect(uintptr_t first, size_t count)
    {
        uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
        uintptr_t from = first & ~(page - 1);
        start = reinterpret_cast<void *>(from);
        bytes = ((first + count) & ~(page - 1)) - from;
    }

    /* Each imported symbol with the place that holds its address. */
    template <typename Body> void each(Body body) const
    {
        for (int table = 0; table < 2; table++) {
            for (size_t index = 0; index < sizes[table] / sizeof(ElfW(Rela)); index++) {
                const ElfW(Rela) &entry = tables[table][index];
                // ELF64_R_SYM is the same in all 64-bit ABIs; 0 stands for no symbol.
                if (auto symbol = ELF64_R_SYM(entry.r_info))
                    body(names + symbols[symbol].st_name, reinterpret_cast<void **>(base + entry.r_offset));
            }
        }
    }
};

std::new_handler other_handler;

/* What `operator new` calls before it gives up, or tries again. */
void on_refusal()
{
    bool is_first = reserve_retry == RESERVE_NOT_ASKED;
    reserve_retry = reserve_covers && is_first ? RESERVE_ASKED : RESERVE_NOT_ASKED;
    if (reserve_retry == RESERVE_ASKED)
        return;
    if (!other_handler)
        throw std::bad_alloc();
    other_handler();
}

int redirect_library(dl_phdr_info *library, size_t, void *)
{
    if (strstr(library->dlpi_name, "/libdnnl.so") || strstr(library->dlpi_name, "/libstdc++.so"))
        Imports(library).redirect();
    return 0;
}

/* At load; both libraries have been loaded before, since this one needs them. */
__attribute__((constructor)) void redirect_requests()
{
    dl_iterate_phdr(redirect_library, nullptr);
    other_handler = std::set_new_handler(on_refusal);
}

} // namespace

#endif
