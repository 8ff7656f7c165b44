# SPDX-License-Identifier: Apache-2.0
"""An offline model loaded from memory into memory that the caller owns: what the other examples stand on."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import acl

REPEAT_INITIALIZE = 100002
MALLOC_HUGE_FIRST = 0
HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2
# aclDataType -> numpy
DTYPES = {0: "f4", 1: "f2", 2: "i1", 3: "i4", 4: "u1", 6: "i2", 7: "u2", 8: "u4", 9: "i8", 10: "u8", 11: "f8", 12: "?"}


class AclError(Exception):
    """A call failed; the text holds its code and what the library says about it."""


def check(code: int, call: str) -> None:
    if code != 0:
        raise AclError(f"{call} returned {code}: {acl.get_recent_err_msg() or 'no further message'}")


def checked(result: tuple, call: str):
    """The value in front of the error code of a (value, code) pair."""
    *values, code = result
    check(code, call)
    return values[0] if len(values) == 1 else values


def malloc(size: int) -> int:
    """Device memory; 0 for no bytes."""
    return checked(acl.rt.malloc(size, MALLOC_HUGE_FIRST), "acl.rt.malloc") if size else 0


def free(address: int) -> None:
    if address:
        check(acl.rt.free(address), "acl.rt.free")


class Device:
    """Device 0, set up on entry and released on exit."""

    def __enter__(self) -> Device:
        code = acl.init()
        if code != REPEAT_INITIALIZE:  # the library is up already, and counts this call
            check(code, "acl.init")
        check(acl.rt.set_device(0), "acl.rt.set_device")
        return self

    def __exit__(self, *_) -> None:
        check(acl.rt.reset_device(0), "acl.rt.reset_device")
        check(acl.finalize(), "acl.finalize")


class OfflineModel:
    """The bytes of an .om file and the sizes it asks for; `load` makes it ready to run."""

    def __init__(self, path: Path):
        self.name = path.stem
        self.data = path.read_bytes()
        self.work_size, self.weight_size = checked(
            acl.mdl.query_size_from_mem(acl.util.bytes_to_ptr(self.data), len(self.data)),
            "acl.mdl.query_size_from_mem",
        )

    def load(self, workspace: int, work_size: int) -> LoadedModel:
        """Loads the model with weights in memory of its own and the workspace given, which other models may share."""
        weights = malloc(self.weight_size)
        start = time.perf_counter()
        model_id = checked(
            acl.mdl.load_from_mem_with_mem(
                acl.util.bytes_to_ptr(self.data), len(self.data), workspace, work_size, weights, self.weight_size
            ),
            "acl.mdl.load_from_mem_with_mem",
        )
        return LoadedModel(self.name, model_id, weights, time.perf_counter() - start)


class LoadedModel:
    """A loaded model with its weights and its input and output buffers in device memory."""

    def __init__(self, name: str, model_id: int, weights: int, load_seconds: float):
        self.name, self.model_id, self.load_seconds = name, model_id, load_seconds
        self.seconds: list[float] = []  # of each execution
        self._weights = weights
        self._desc = acl.mdl.create_desc()
        check(acl.mdl.get_desc(self._desc, model_id), "acl.mdl.get_desc")
        self._inputs, self._input_set = self._buffers("input")
        self._outputs, self._output_set = self._buffers("output")

    def _buffers(self, side: str) -> tuple[list, int]:
        """(address, bytes, shape, dtype) of each tensor of one side, and the dataset that names them."""
        get = {
            name: getattr(acl.mdl, template.format(side))
            for name, template in {
                "count": "get_num_{}s",
                "size": "get_{}_size_by_index",
                "dims": "get_{}_dims",
                "type": "get_{}_data_type",
            }.items()
        }
        dataset = acl.mdl.create_dataset()
        tensors = []
        for index in range(get["count"](self._desc)):
            size = get["size"](self._desc, index)
            dims = checked(get["dims"](self._desc, index), f"acl.mdl.get_{side}_dims")["dims"]
            address = malloc(size)
            buffer = acl.create_data_buffer(address, size)
            checked(acl.mdl.add_dataset_buffer(dataset, buffer), "acl.mdl.add_dataset_buffer")
            tensors.append((address, size, tuple(dims), np.dtype(DTYPES[get["type"](self._desc, index)])))
        return tensors, dataset

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._inputs[0][2]

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Copies the arrays to the device, executes the model, copies the results back."""
        for array, (address, size, shape, dtype) in zip(arrays, self._inputs, strict=True):
            if array.shape != shape:
                raise ValueError(f"{self.name} was converted for {shape}, not for {array.shape}")
            array = np.ascontiguousarray(array, dtype)
            check(acl.rt.memcpy(address, size, array.ctypes.data, array.nbytes, HOST_TO_DEVICE), "acl.rt.memcpy")
        start = time.perf_counter()
        check(acl.mdl.execute(self.model_id, self._input_set, self._output_set), "acl.mdl.execute")
        self.seconds.append(time.perf_counter() - start)
        results = [np.empty(shape, dtype) for _, _, shape, dtype in self._outputs]
        for array, (address, _, _, _) in zip(results, self._outputs, strict=True):
            check(
                acl.rt.memcpy(array.ctypes.data, array.nbytes, address, array.nbytes, DEVICE_TO_HOST), "acl.rt.memcpy"
            )
        return results

    def unload(self) -> None:
        """Unloads the model and frees everything but the workspace, which belongs to the caller."""
        check(acl.mdl.unload(self.model_id), "acl.mdl.unload")
        for dataset, tensors in ((self._input_set, self._inputs), (self._output_set, self._outputs)):
            for index, (address, *_) in enumerate(tensors):
                check(acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(dataset, index)), "acl.destroy_data_buffer")
                free(address)
            check(acl.mdl.destroy_dataset(dataset), "acl.mdl.destroy_dataset")
        check(acl.mdl.destroy_desc(self._desc), "acl.mdl.destroy_desc")
        free(self._weights)
