# SPDX-License-Identifier: Apache-2.0
"""Counts what a load and steady executions of each model allocate; prints JSON.

usage: allocation_worker.py COUNTER MODEL.om...
"""

import ctypes
import json
import sys
from pathlib import Path

import numpy as np

import acl

counter = ctypes.CDLL(sys.argv[1])
counter.counter_calls.restype = ctypes.c_long
counter.counter_first_stack.restype = ctypes.c_char_p
OWNERS = ("ours", "python", "other")
WARM, STEADY = 3, 20


def report():
    counter.counter_end()
    counts = {owner: counter.counter_calls(index) for index, owner in enumerate(OWNERS)}
    return counts | {"stack": counter.counter_first_stack().decode()}


def dataset(sizes, arrays):
    handle = acl.mdl.create_dataset()
    for size in sizes:
        arrays.append(np.zeros(size, np.uint8))
        buffer = acl.create_data_buffer(arrays[-1].ctypes.data, size)
        assert acl.mdl.add_dataset_buffer(handle, buffer)[1] == 0
    return handle


def measure(data):
    counter.counter_begin()
    model, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(data), len(data))
    load = report()
    assert ret == 0, acl.get_recent_err_msg()
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model) == 0
    kept = []
    inputs = dataset([acl.mdl.get_input_size_by_index(desc, i) for i in range(acl.mdl.get_num_inputs(desc))], kept)
    outputs = dataset([acl.mdl.get_output_size_by_index(desc, i) for i in range(acl.mdl.get_num_outputs(desc))], kept)
    # The gears of a model that has some take turns.
    gears = acl.mdl.get_dynamic_batch(desc)[0]["batch"] or [0]
    selector = kept[acl.mdl.get_num_inputs(desc) - 1].view(np.int32) if gears[0] else np.zeros(1, np.int32)
    for index in range(WARM * len(gears)):
        selector[0] = gears[index % len(gears)]
        assert acl.mdl.execute(model, inputs, outputs) == 0, acl.get_recent_err_msg()
    codes = [None] * STEADY
    counter.counter_begin()
    for index in range(STEADY):
        selector[0] = gears[index % len(gears)]
        codes[index] = acl.mdl.execute(model, inputs, outputs)
    steady = report()
    assert codes == [0] * STEADY
    assert acl.mdl.unload(model) == 0
    return {"load": load, "steady": steady}


assert (acl.init(), acl.rt.set_device(0)) == (0, 0)
print(json.dumps({name: measure(Path(name).read_bytes()) for name in sys.argv[2:]}))
