# SPDX-License-Identifier: Apache-2.0
"""Offline models made byte by byte, since no converter writes what the tests of hostile files need.

Source of the numbers: GE's `ge_ir.proto` and the container that docs/file-format.md describes.
"""

import struct

FLOAT, INT32, UINT8 = 1, 7, 4
MODEL_DEF, WEIGHTS, IN_OUT_INFO = 0, 1, 8


def varint(value):
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded) + bytes([value])


def field(number, value):
    """A field of a protobuf message: an integer as such, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def desc(dims, dtype=FLOAT, size=None, layout="ND"):
    """A TensorDescriptor."""
    shape = b"".join(field(1, dim) for dim in dims)
    return field(2, dtype) + field(3, shape) + field(4, layout) + (b"" if size is None else field(10, size))


def attribute(value):
    """An AttrDef: a flag, an integer, a text, a list of one of the last two, or bytes that are one already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return field(5, int(value))
    if isinstance(value, int):
        return field(3, value)
    if isinstance(value, str):
        return field(2, value)
    texts = value and isinstance(value[0], str)
    items = [field(2 if texts else 3, item) for item in value]
    return field(1, b"".join(items) + field(20, 1 if texts else 2))


def entries(number, attributes):
    return b"".join(
        field(number, field(1, name) + field(2, attribute(value))) for name, value in (attributes or {}).items()
    )


def op(name, kind, inputs=(), outputs=(), input_descs=(), attributes=None, subgraphs=()):
    """An OpDef; `inputs` are spelled `producer:output`."""
    return b"".join(
        [
            field(1, name),
            field(2, kind),
            *[field(5, text) for text in inputs],
            entries(10, attributes),
            *[field(33, one) for one in input_descs],
            *[field(34, one) for one in outputs],
            *[field(35, one) for one in subgraphs],
        ]
    )


def data(name, *outputs, index=0, **attributes):
    return op(name, "Data", outputs=outputs, input_descs=outputs[:1], attributes={"index": index, **attributes})


def const(name, dims, values, code, dtype):
    tensor = field(1, desc(dims, dtype)) + field(2, struct.pack(f"<{len(values)}{code}", *values))
    return op(name, "Const", outputs=[desc(dims, dtype)], attributes={"value": field(12, tensor)})


def output(*inputs, name="out"):
    return op(name, "NetOutput", inputs)


def graph(*ops, name="g"):
    return field(1, name) + b"".join(field(6, one) for one in ops)


def container(partitions):
    """The file of partitions {number: bytes}."""
    table = struct.pack("<Q", len(partitions))
    offset = 0
    for number, content in partitions.items():
        table += struct.pack("<QQQ", number, offset, len(content))
        offset += len(content)
    body = table + b"".join(partitions.values())
    header = bytearray(256)
    header[0:4] = b"IMOD"
    struct.pack_into("<II", header, 4, 256, 0x20000000)
    struct.pack_into("<II", header, 152, 2, 1)
    struct.pack_into("<Q", header, 184, len(body))
    return bytes(header) + body


def model(*graphs, **partitions):
    """A file of these graphs, the first being the root."""
    definition = field(1, "hostile") + b"".join(field(7, one) for one in graphs)
    return container({MODEL_DEF: definition, WEIGHTS: partitions.get("weights", b""), **partitions.get("more", {})})


def description(*blocks):
    """MODEL_INOUT_INFO: (type, content) of each block."""
    return b"".join(struct.pack("<II", number, len(content)) + content for number, content in blocks)


def gears(rows):
    """The content of a block that lists gears."""
    counts = struct.pack(f"<{len(rows) + 1}I", len(rows), *[len(row) for row in rows])
    return counts + b"".join(struct.pack(f"<{len(row)}q", *row) for row in rows)
