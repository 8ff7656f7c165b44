# SPDX-License-Identifier: Apache-2.0
"""Makes oneDNN's library, built for GNU OpenMP, call the threads of Sources/CThreadTeam instead of libgomp.

What it needs of libgomp.so.1 gets names of this project (GOMP_x becomes acl__x, omp_x becomes acl_x), and that library
is no longer asked for. Names keep their length, so nothing in the file moves.
"""

from __future__ import annotations

import struct

GOMP = b"libgomp.so.1"
PREFIXES = {b"GOMP_": b"acl__", b"omp_": b"acl_"}
# What Sources/CThreadTeam/onednn_entries.c has.
ENTRIES = {
    b"GOMP_barrier", b"GOMP_loop_end_nowait", b"GOMP_loop_static_next", b"GOMP_loop_static_start", b"GOMP_parallel",
    b"GOMP_parallel_end", b"GOMP_parallel_start", b"omp_get_max_threads", b"omp_get_num_threads",
    b"omp_get_thread_num", b"omp_in_parallel",
}  # fmt: skip
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
DYNAMIC = struct.Struct("<qQ")
DT_NULL, DT_NEEDED, DT_VERNEEDNUM = 0, 1, 0x6FFFFFFF
SHT_DYNAMIC, SHT_DYNSYM, SHT_VERNEED, SHT_VERSYM = 6, 11, 0x6FFFFFFE, 0x6FFFFFFF
GLOBAL_VERSION = 1


def use_own_threads(library: bytes) -> bytes:
    """The library with its needs of libgomp renamed; unchanged if it does not need libgomp."""
    if library[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a little-endian 64-bit ELF file")
    file = bytearray(library)
    table, count = struct.unpack_from("<Q", file, 0x28)[0], struct.unpack_from("<H", file, 0x3C)[0]
    # (offset in the section table, type, offset, size, index of the linked section)
    sections = []
    for index in range(count):
        place = table + index * SECTION.size
        _, kind, _, _, offset, size, link, *_ = SECTION.unpack_from(file, place)
        sections.append((place, kind, offset, size, link))
    by_kind = {section[1]: section for section in sections}
    strings = sections[by_kind[SHT_DYNSYM][4]][2]

    def text(offset: int) -> bytes:
        return bytes(file[strings + offset : file.index(0, strings + offset)])

    def dynamic() -> list[tuple[int, int]]:
        _, _, offset, size, _ = by_kind[SHT_DYNAMIC]
        return list(DYNAMIC.iter_unpack(file[offset : offset + size]))

    if not any(tag == DT_NEEDED and text(value) == GOMP for tag, value in dynamic()):
        return library

    _, _, symbols, size, _ = by_kind[SHT_DYNSYM]
    names = [SYMBOL.unpack_from(file, symbols + place)[0] for place in range(0, size, SYMBOL.size)]
    for index, name in enumerate(names):
        value = text(name)
        for old, new in PREFIXES.items():
            if value.startswith(old):
                if value not in ENTRIES:
                    raise ValueError(f"{value.decode()} has no counterpart in Sources/CThreadTeam")
                # Strings may end in one another.
                if any(name < other < name + len(old) for other in names):
                    raise ValueError(f"{value.decode()} shares its beginning with another symbol")
                file[strings + name : strings + name + len(old)] = new
                struct.pack_into("<H", file, by_kind[SHT_VERSYM][2] + 2 * index, GLOBAL_VERSION)

    place, _, need, _, _ = by_kind[SHT_VERNEED]
    previous = None
    while text(struct.unpack_from("<I", file, need + 4)[0]) != GOMP:
        previous, need = need, need + struct.unpack_from("<I", file, need + 12)[0]
    if previous is None:
        raise ValueError("the versions of libgomp stand first")
    following = struct.unpack_from("<I", file, need + 12)[0]
    struct.pack_into("<I", file, previous + 12, following and need + following - previous)
    versions = struct.unpack_from("<I", file, place + 44)[0]
    struct.pack_into("<I", file, place + 44, versions - 1)

    kept = [
        (tag, value - 1 if tag == DT_VERNEEDNUM else value)
        for tag, value in dynamic()
        if not (tag == DT_NEEDED and text(value) == GOMP)
    ]
    kept += [(DT_NULL, 0)] * (len(dynamic()) - len(kept))
    for index, entry in enumerate(kept):
        DYNAMIC.pack_into(file, by_kind[SHT_DYNAMIC][2] + index * DYNAMIC.size, *entry)
    return bytes(file)
