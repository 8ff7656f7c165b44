# SPDX-License-Identifier: Apache-2.0
"""A damaged offline model is loaded or refused with a documented code and a message, and disturbs nothing else."""

import itertools
import random
import struct

import numpy as np
import pytest

import acl
from model_support import (
    assert_close,
    conv_model,
    expected_outputs,
    must_load,
    must_unload,
    random_inputs,
    run_once,
)

# What reading a file can end in: bad size, bad header, bad partition, and what GE itself refuses.
REFUSALS = {100000, 145000, 145006, 500002}
LARGEST_BUFFER = 1 << 20
FIELDS = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF)


def truncations(model):
    return (model[:length] for length in range(len(model)))


def extreme_fields(model):
    for offset, value in itertools.product(range(0, len(model) - 3, 4), FIELDS):
        yield model[:offset] + struct.pack("<I", value) + model[offset + 4 :]


def random_bytes(model):
    generator = random.Random(20)
    for _ in range(6000):
        damaged = bytearray(model)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(len(model))] = generator.randrange(256)
        yield bytes(damaged)


def execute_zeros(model_id):
    """Runs a model on zeros, with buffers of the sizes that its description gives.

    A damaged size may be absurd: the buffer is then too small, and the execution is refused.
    """
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    sets, arrays = [], []
    for count, size_of in (
        (acl.mdl.get_num_inputs(desc), acl.mdl.get_input_size_by_index),
        (acl.mdl.get_num_outputs(desc), acl.mdl.get_output_size_by_index),
    ):
        sets.append(acl.mdl.create_dataset())
        for index in range(count):
            size = min(size_of(desc, index), LARGEST_BUFFER)
            arrays.append(np.zeros(max(size, 1), np.uint8))
            buffer = acl.create_data_buffer(arrays[-1].ctypes.data, size)
            assert acl.mdl.add_dataset_buffer(sets[-1], buffer)[1] == 0
    acl.mdl.execute(model_id, *sets)
    for one in sets:
        for index in range(acl.mdl.get_dataset_num_buffers(one)):
            acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(one, index))
        acl.mdl.destroy_dataset(one)
    acl.mdl.destroy_desc(desc)


@pytest.mark.parametrize("damage", [truncations, extreme_fields, random_bytes])
def test_damaged_models_are_loaded_or_refused(make_model, device, damage):
    onnx_model = conv_model(seed=3, channels=8, size=8)
    model, inputs = make_model(onnx_model), random_inputs(onnx_model, seed=4)
    sound = must_load(model)
    free_before, _, ret = acl.rt.get_mem_info(1)
    assert ret == 0
    refused = 0
    for damaged in damage(model):
        model_id, code = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(damaged), len(damaged))
        if code == 0:
            execute_zeros(model_id)
            must_unload(model_id)
            continue
        refused += 1
        assert code in REFUSALS
        assert acl.get_recent_err_msg()
    assert refused
    assert acl.rt.get_mem_info(1)[0] == free_before
    assert_close(run_once(sound, inputs), expected_outputs(onnx_model, inputs))
    must_unload(sound)
