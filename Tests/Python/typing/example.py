# SPDX-License-Identifier: Apache-2.0
"""Checked by mypy, not run: a program as users write it."""

from __future__ import annotations

import acl.mdl as mdl
from acl.rt import malloc

import acl


def load(model: bytes) -> int:
    work_size, weight_size, ret = mdl.query_size_from_mem(acl.util.bytes_to_ptr(model), len(model))
    if ret != 0:
        raise RuntimeError(acl.get_recent_err_msg() or f"error {ret}")
    work, ret = malloc(work_size, 2)
    weights, ret = malloc(weight_size, 2)
    model_id, ret = mdl.load_from_mem_with_mem(
        acl.util.bytes_to_ptr(model), len(model), work, work_size, weights, weight_size
    )
    return model_id


def describe(model_id: int) -> list[int]:
    description = mdl.create_desc()
    ret: int = mdl.get_desc(description, model_id)
    dims, ret = mdl.get_input_dims(description, 0)
    name: str = dims["name"]
    print(name, dims["dimCount"], mdl.get_input_name_by_index(description, 0))
    return dims["dims"]


def run(model_id: int, stream: int) -> int:
    inputs, outputs = mdl.create_dataset(), mdl.create_dataset()
    inputs, ret = mdl.add_dataset_buffer(inputs, acl.create_data_buffer(0, 1))
    code: int = acl.rt.launch_callback(lambda values: print(values), [1, 2], 1, stream)
    thread, ret = acl.util.start_thread(lambda given: acl.rt.process_report(10), [stream])
    print(code, acl.rt.subscribe_report(thread, stream))
    return mdl.execute(model_id, inputs, outputs)


major, minor, patch, ret = acl.get_version()
soc: str | None = acl.get_soc_name()
count, ret = acl.rt.get_device_count()
attributes, ret = acl.rt.pointer_get_attributes(0)
print(attributes["location"]["id"])
acl.init()
acl.init("acl.json")
