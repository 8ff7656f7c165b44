# SPDX-License-Identifier: Apache-2.0
"""Executing models of unknown shape as programs do: described inputs, outputs that the library allocates."""

import ctypes

import numpy as np

import acl
from model_support import message, must_load, must_unload

TYPES = {0: "f4", 1: "f2", 2: "i1", 3: "i4", 4: "u1", 6: "i2", 7: "u2", 8: "u4", 9: "i8", 10: "u8", 11: "f8", 12: "?"}
NUMBERS = {np.dtype(name): number for number, name in TYPES.items()}
ND = 2


def described(arrays):
    """A dataset of the arrays with their shapes as tensor descriptions, and what to destroy afterwards."""
    handle, buffers = acl.mdl.create_dataset(), []
    for index, array in enumerate(arrays):
        buffers.append(acl.create_data_buffer(array.ctypes.data, array.nbytes))
        assert acl.mdl.add_dataset_buffer(handle, buffers[-1])[1] == 0
        desc = acl.create_tensor_desc(NUMBERS[array.dtype], list(array.shape), ND)
        assert acl.mdl.set_dataset_tensor_desc(handle, desc, index)[1] == 0
    return handle, buffers


def empty_outputs(count):
    """A dataset of buffers without memory: the library allocates it."""
    handle, buffers = acl.mdl.create_dataset(), []
    for _ in range(count):
        buffers.append(acl.create_data_buffer(0, 0))
        assert acl.mdl.add_dataset_buffer(handle, buffers[-1])[1] == 0
    return handle, buffers


def results(handle, buffers):
    """The outputs of an execution as arrays, by their tensor descriptions."""
    arrays = []
    for index, buffer in enumerate(buffers):
        desc = acl.mdl.get_dataset_tensor_desc(handle, index)
        shape = [acl.get_tensor_desc_dim_v2(desc, axis)[0] for axis in range(acl.get_tensor_desc_num_dims(desc))]
        kind = np.dtype(TYPES[acl.get_tensor_desc_type(desc)])
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        data = ctypes.string_at(acl.get_data_buffer_addr(buffer), size) if size else b""
        arrays.append(np.frombuffer(data, kind).reshape(shape))
    return arrays


class DynamicModel:
    """A loaded model of unknown shape."""

    def __init__(self, om):
        self.id = must_load(om)
        self.desc = acl.mdl.create_desc()
        assert acl.mdl.get_desc(self.desc, self.id) == 0
        self.output_count = acl.mdl.get_num_outputs(self.desc)

    def run(self, arrays):
        arrays = [np.array(array, order="C") for array in arrays]
        inputs, input_buffers = described(arrays)
        outputs, output_buffers = empty_outputs(self.output_count)
        try:
            ret = acl.mdl.execute(self.id, inputs, outputs)
            assert ret == 0, message()
            return results(outputs, output_buffers)
        finally:
            for buffer in output_buffers:
                if acl.get_data_buffer_addr(buffer):
                    acl.rt.free(acl.get_data_buffer_addr(buffer))
            for handle, buffers in ((inputs, input_buffers), (outputs, output_buffers)):
                acl.mdl.destroy_dataset(handle)
                for buffer in buffers:
                    acl.destroy_data_buffer(buffer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        acl.mdl.destroy_desc(self.desc)
        must_unload(self.id)
