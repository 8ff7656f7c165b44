# SPDX-License-Identifier: Apache-2.0
"""Calls functions with one wrong address each; prints JSON lines: what it is about to call, then what came back.

usage: misuse_worker.py FUNCTION...   Functions are called as their rows in functions.tsv say.
"""

import ctypes
import faulthandler
import json
import mmap
import sys

import acl
from binding_standin import FUNCTIONS, POINTER_HANDLES

faulthandler.enable()
faulthandler.dump_traceback_later(60, exit=True)
BLOCK = 4096
SIZES = {"size", "count", "len", "max", "width", "height", "pitch", "num", "bytes"}
# C types of opaque objects, whose addresses are handles.
OBJECTS = {
    "aclDataBuffer", "aclTensorDesc", "aclmdlDataset", "aclmdlDesc", "aclmdlAIPP", "aclmdlConfigHandle",
    "aclmdlExecConfigHandle", "aclmdlBundleQueryInfo", "aclrtGroupInfo", "aclrtExceptionInfo", "aclopAttr",
}  # fmt: skip


def kind_of(function, argument):
    """`memory`, the name of a handle's type, or None for a number."""
    parameter = next((p for p in function.c_parameters if p.name == argument.name), None)
    if argument.unit not in "kK" or parameter is None:
        return None
    base = parameter.type.replace("const", "").replace("*", "").strip()
    handle = base.removeprefix("aclrt")
    if base.startswith("aclrt") and handle in POINTER_HANDLES or base in OBJECTS or base.startswith("aclmdlRI"):
        return base
    return "memory" if parameter.type.endswith("*") else None


class Fixture:
    """A good value of every kind, made anew for each call."""

    makers = {
        "aclrtStream": lambda: acl.rt.create_stream()[0],
        "aclrtEvent": lambda: acl.rt.create_event()[0],
        "aclrtContext": lambda: acl.rt.create_context(0)[0],
        "aclrtNotify": lambda: acl.rt.create_notify(0)[0],
        "aclDataBuffer": lambda: acl.create_data_buffer(acl.rt.malloc(BLOCK, 0)[0], BLOCK),
        "aclTensorDesc": lambda: acl.create_tensor_desc(0, [2, 3], 2),
        "aclmdlDataset": acl.mdl.create_dataset,
        "aclmdlDesc": acl.mdl.create_desc,
        "aclmdlAIPP": lambda: acl.mdl.create_aipp(1),
        "aclmdlConfigHandle": acl.mdl.create_config_handle,
        "aclrtAllocatorDesc": acl.rt.allocator_create_desc,
    }

    @classmethod
    def good(cls, kind):
        if kind == "memory":
            return acl.rt.malloc(BLOCK, 0)[0]
        return cls.makers[kind]() if kind in cls.makers else 0


# Values that the converters accept, by unit or by name.
UNITS = {
    "f": 1.0, "s": "x", "dims": [1, 2], "shape_range": [[1, 2]], "value_range": [[1, 2]], "pids": [1],
    "notifies": [1], "binary_options": [], "launch_config": [], "placeholders": [],
}  # fmt: skip
OBJECT_NAMES = {
    "fn": lambda *_: None, "dims": {"name": "x", "dimCount": 1, "dims": [1]}, "attr_value": 1, "value": {"policy": 0},
}  # fmt: skip


def number(argument):
    name = argument.name.lower()
    if argument.unit in UNITS:
        return UNITS[argument.unit]
    if argument.unit == "O":
        return OBJECT_NAMES.get(name, [1])
    if len(argument.unit) > 1:
        return {}
    if name == "place_holder_num":
        return 0
    if any(word in name for word in SIZES):
        return 64
    return 1 if "timeout" in name else 0


page = mmap.mmap(-1, mmap.PAGESIZE)
FOREIGN = ctypes.addressof(ctypes.c_char.from_buffer(page))
assert (acl.init(), acl.rt.set_device(0)) == (0, 0)
HOME, _ = acl.rt.get_context()
wanted = set(sys.argv[1:])
for function in FUNCTIONS:
    if function.python not in wanted:
        continue
    target = acl
    for part in function.python.split(".")[1:]:
        target = getattr(target, part)
    for position, wrong in enumerate(function.args):
        kind = kind_of(function, wrong)
        if kind is None:
            continue
        freed, _ = acl.rt.malloc(BLOCK, 0)
        acl.rt.free(freed)
        live, _ = acl.rt.malloc(BLOCK, 0)
        values = {
            "null": 0,
            "one": 1,
            "freed": freed,
            "inside freed": freed + 100,
            "misaligned": live + 1,
            "past the end": live + BLOCK + 64,
            "last": 2**64 - 1,
            "foreign": FOREIGN,
        }
        for what, value in values.items():
            arguments = [
                value if index == position else Fixture.good(k) if (k := kind_of(function, a)) else number(a)
                for index, a in enumerate(function.args)
            ]
            acl.get_recent_err_msg()
            call = {"function": function.python, "argument": wrong.name, "kind": kind, "value": what}
            print(json.dumps(call), flush=True)
            try:
                result = target(*arguments)
            except (TypeError, ValueError, RuntimeError, SystemError) as error:
                call["error"] = f"{type(error).__name__}: {error}"
            else:
                last = result[-1] if isinstance(result, tuple) else result
                call["code"] = last if isinstance(last, int) else None
            call["message"] = acl.get_recent_err_msg() or ""
            print(json.dumps(call), flush=True)
            acl.rt.set_context(HOME)
            for a, given in zip(function.args, arguments, strict=True):
                if kind_of(function, a) == "aclrtStream":
                    acl.rt.stream_abort(given)
        acl.rt.free(live)
