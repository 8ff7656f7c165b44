# SPDX-License-Identifier: Apache-2.0
"""A reader of dump files that shares nothing with what writes them, and the configurations of the dump tests."""

import json
import struct
from pathlib import Path

import numpy as np

# toolkit.dump.OutputDataType
TYPES = {
    1: np.float32,
    2: np.float16,
    3: np.int8,
    4: np.uint8,
    5: np.int16,
    6: np.uint16,
    7: np.int32,
    8: np.int64,
    9: np.uint32,
    10: np.uint64,
    11: np.bool_,
    12: np.float64,
}


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The fields of a protobuf message: {number: [int or bytes, ...]}."""
    found = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            size, at = _varint(data, at)
            value = data[at : at + size]
            assert len(value) == size
            at += size
        found.setdefault(key >> 3, []).append(value)
    return found


def _shape(message):
    packed = fields(message).get(1, [])
    dims = []
    for part in packed:
        at = 0
        while at < len(part):
            value, at = _varint(part, at)
            dims.append(value)
    return dims


class DumpFile:
    """One file: its name's parts, and its tensors as numpy arrays."""

    def __init__(self, path, data=None):
        path = Path(path)
        self.op_type, self.op_name, task, stream, time = path.name.split(".")
        self.task, self.stream, self.time = int(task), int(stream), int(time)
        self.folders = path.parts[-6:-1]
        data = path.read_bytes() if data is None else data
        (length,) = struct.unpack_from("<Q", data)
        head = fields(data[8 : 8 + length])
        self.version = head[1][0].decode()
        self.dump_time = head[2][0]
        self.name = head[6][0].decode()
        at = 8 + length
        self.inputs, self.outputs, self.originals = [], [], []
        for tensors, messages, size_field in ((self.inputs, head.get(4, []), 5), (self.outputs, head.get(3, []), 6)):
            for message in messages:
                tensor = fields(message)
                size = tensor.get(size_field, [0])[0]
                shape = _shape(tensor[3][0])
                array = np.frombuffer(data, TYPES[tensor[1][0]], offset=at, count=int(np.prod(shape, dtype=np.int64)))
                assert array.nbytes == size
                tensors.append(array.reshape(shape))
                at += size
                if size_field == 6 and 4 in tensor:
                    self.originals.append(fields(tensor[4][0])[1][0].decode())
        assert at == len(data), "nothing follows the tensors"


def dump_files(folder):
    """Every dump file below `folder`, in the order of the times in their names."""
    found = [DumpFile(path) for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".csv"]
    return sorted(found, key=lambda file: file.time)


def write_config(folder, **dump):
    """acl.json with this section `dump`; dump_path is `folder`/out unless given."""
    out = Path(folder) / "out"
    out.mkdir(exist_ok=True)
    section = {"dump_path": str(out), "dump_list": [{}], **dump}
    config = Path(folder) / "acl.json"
    config.write_text(json.dumps({"dump": {key: value for key, value in section.items() if value is not None}}))
    return str(config), out
