# SPDX-License-Identifier: Apache-2.0
"""Small models, guarded memory and running models: what the model tests share."""

import ctypes
import mmap
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import acl

PAGE = mmap.PAGESIZE


def _initializer(name, array):
    return numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), name)


def _model(nodes, inputs, outputs, initializers, name):
    def values(shapes):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

    graph = helper.make_graph(nodes, name, values(inputs), values(outputs), initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def add_model(count=1):
    """y = a + b over `count` floats: no weights at all."""
    return _model(
        [helper.make_node("Add", ["a", "b"], ["y"], name="add")],
        {"a": [count], "b": [count]},
        {"y": [count]},
        [],
        "add",
    )


def dense_model(seed, inner=40, features=24, classes=10):
    """Two dense layers: x[2, features] -> y[2, classes]."""
    rng = np.random.default_rng(seed)
    weights = [
        _initializer("w1", rng.standard_normal((features, inner)) / features**0.5),
        _initializer("b1", rng.standard_normal(inner)),
        _initializer("w2", rng.standard_normal((inner, classes)) / inner**0.5),
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h0"], name="dense1"),
        helper.make_node("Add", ["h0", "b1"], ["h1"], name="bias1"),
        helper.make_node("Relu", ["h1"], ["h2"], name="relu1"),
        helper.make_node("MatMul", ["h2", "w2"], ["y"], name="dense2"),
    ]
    return _model(nodes, {"x": [2, features]}, {"y": [2, classes]}, weights, f"dense{seed}")


def conv_model(seed, channels=16, size=24):
    """Three convolutions with a residual sum: x[1, 3, size, size] -> y[1, channels, size, size]."""
    rng = np.random.default_rng(seed)
    weights = [
        _initializer("w1", rng.standard_normal((channels, 3, 3, 3)) * 0.2),
        _initializer("b1", rng.standard_normal(channels)),
        _initializer("w2", rng.standard_normal((channels, channels, 3, 3)) * 0.1),
        _initializer("w3", rng.standard_normal((channels, channels, 1, 1)) * 0.2),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"], name="sum"),
        helper.make_node("Relu", ["s"], ["r2"], name="relu2"),
        helper.make_node("Conv", ["r2", "w3"], ["y"], name="conv3"),
    ]
    shape = {"x": [1, 3, size, size]}
    return _model(nodes, shape, {"y": [1, channels, size, size]}, weights, f"conv{seed}")


def random_inputs(onnx_model, seed):
    rng = np.random.default_rng(seed)
    shapes = [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in onnx_model.graph.input]
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def expected_outputs(onnx_model, inputs):
    """What the onnx package's own evaluator computes."""
    from onnx.reference import ReferenceEvaluator

    names = [value.name for value in onnx_model.graph.input]
    return ReferenceEvaluator(onnx_model).run(None, dict(zip(names, inputs, strict=True)))


def assert_close(actual, expected):
    for got, wanted in zip(actual, expected, strict=True):
        scale = float(np.max(np.abs(wanted))) or 1.0
        np.testing.assert_allclose(got.reshape(wanted.shape), wanted, rtol=0, atol=1e-4 * scale)


def message():
    """The queued error text of this thread; a failure must have left one."""
    text = acl.get_recent_err_msg()
    assert text, "the failure left no message"
    return text


class Area:
    """`size` bytes of any alignment between two pages that nobody may touch.

    The area lies against the upper guard page, or against the lower one; the rest of its pages is filled with a
    pattern that `check` compares.
    """

    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def __init__(self, size, at_end=True, offset=0):
        pages = (size + offset + PAGE - 1) // PAGE
        self._map = mmap.mmap(-1, (pages + 2) * PAGE)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._inner = pages * PAGE
        self.size = size
        self.address = self._base + PAGE + (self._inner - size - offset if at_end else offset)
        ctypes.memset(self._base + PAGE, 0xA5, self._inner)
        self._protect(self._base, PAGE, 0)
        self._protect(self._base + PAGE + self._inner, PAGE, 0)

    def _protect(self, address, size, protection):
        if self._libc.mprotect(address, size, protection) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")

    def read_only(self):
        self._protect(self._base + PAGE, self._inner, mmap.PROT_READ)

    def no_access(self):
        self._protect(self._base + PAGE, self._inner, 0)

    def writable(self):
        self._protect(self._base + PAGE, self._inner, mmap.PROT_READ | mmap.PROT_WRITE)

    def array(self, dtype=np.uint8):
        """The area's own memory as an array."""
        return np.frombuffer((ctypes.c_char * self.size).from_address(self.address), dtype)

    def bytes(self):
        return ctypes.string_at(self.address, self.size)

    def check(self):
        """No byte of the pages outside the area has changed."""
        before = self.address - (self._base + PAGE)
        after = self._inner - before - self.size
        assert ctypes.string_at(self._base + PAGE, before) == b"\xa5" * before
        assert ctypes.string_at(self.address + self.size, after) == b"\xa5" * after


class Runner:
    """Datasets over numpy arrays for one loaded model."""

    def __init__(self, model_id, inputs):
        self.model_id = model_id
        desc = acl.mdl.create_desc()
        assert acl.mdl.get_desc(desc, model_id) == 0
        self.inputs = [np.ascontiguousarray(array) for array in inputs]
        assert acl.mdl.get_num_inputs(desc) == len(inputs)
        self.outputs = []
        for index in range(acl.mdl.get_num_outputs(desc)):
            dims, ret = acl.mdl.get_output_dims(desc, index)
            assert ret == 0
            assert acl.mdl.get_output_data_type(desc, index) == 0
            self.outputs.append(np.full(dims["dims"], np.nan, dtype=np.float32))
        assert acl.mdl.destroy_desc(desc) == 0
        self.input_set, self._input_buffers = dataset(self.inputs)
        self.output_set, self._output_buffers = dataset(self.outputs)

    def run(self):
        ret = acl.mdl.execute(self.model_id, self.input_set, self.output_set)
        assert ret == 0, message()
        return [array.copy() for array in self.outputs]

    def enqueue(self, stream):
        ret = acl.mdl.execute_async(self.model_id, self.input_set, self.output_set, stream)
        assert ret == 0, message()

    def close(self):
        for one, buffers in ((self.input_set, self._input_buffers), (self.output_set, self._output_buffers)):
            assert acl.mdl.destroy_dataset(one) == 0
            for buffer in buffers:
                assert acl.destroy_data_buffer(buffer) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def dataset(arrays):
    """A dataset of buffers over the arrays' own memory; the buffers are returned to be destroyed."""
    handle = acl.mdl.create_dataset()
    buffers = []
    for array in arrays:
        buffer = acl.create_data_buffer(array.ctypes.data, array.nbytes)
        _, ret = acl.mdl.add_dataset_buffer(handle, buffer)
        assert ret == 0
        buffers.append(buffer)
    return handle, buffers


def run_once(model_id, inputs):
    with Runner(model_id, inputs) as runner:
        return runner.run()


def load(model, work=(0, 0), weight=(0, 0)):
    """load_from_mem_with_mem of a bytes object; returns (model id, code)."""
    return acl.mdl.load_from_mem_with_mem(acl.util.bytes_to_ptr(model), len(model), *work, *weight)


def sizes(model):
    work, weight, ret = acl.mdl.query_size_from_mem(acl.util.bytes_to_ptr(model), len(model))
    assert ret == 0, message()
    return work, weight


def must_load(model, work=(0, 0), weight=(0, 0)):
    model_id, ret = load(model, work, weight)
    assert ret == 0, message()
    assert model_id > 0
    return model_id


def must_unload(*model_ids):
    for model_id in model_ids:
        assert acl.mdl.unload(model_id) == 0, message()


def convert(atc_path, onnx_bytes, folder):
    """Runs atc on a model; returns the finished process and the path of the offline model."""
    source = folder / "model.onnx"
    source.write_bytes(onnx_bytes)
    run = subprocess.run(
        [atc_path, f"--model={source}", "--framework=5", f"--output={folder / 'model'}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return run, folder / "model.om"


def model_outputs(acl, om, inputs, outputs):
    """Loads a model from memory and executes it once; returns arrays like `outputs`."""
    model_id, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(om), len(om))
    assert ret == 0, acl.get_recent_err_msg()
    results = [np.zeros_like(np.ascontiguousarray(array)) for array in outputs]
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_num_outputs(desc) == len(results)
    assert [acl.mdl.get_output_size_by_index(desc, i) for i in range(len(results))] == [r.nbytes for r in results]
    sets = []
    for arrays in (inputs, results):
        handle = acl.mdl.create_dataset()
        for array in arrays:
            _, ret = acl.mdl.add_dataset_buffer(handle, acl.create_data_buffer(array.ctypes.data, array.nbytes))
            assert ret == 0
        sets.append(handle)
    assert acl.mdl.execute(model_id, *sets) == 0, acl.get_recent_err_msg()
    for handle in sets:
        for index in range(acl.mdl.get_dataset_num_buffers(handle)):
            acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(handle, index))
        acl.mdl.destroy_dataset(handle)
    acl.mdl.destroy_desc(desc)
    assert acl.mdl.unload(model_id) == 0
    return results
