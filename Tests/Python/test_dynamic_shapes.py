# SPDX-License-Identifier: Apache-2.0
"""Models whose shapes executions choose: any of the sizes, against ONNX Runtime; and what is refused."""

import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl
from dynamic_support import DynamicModel, described, empty_outputs, results
from model_support import message
from oracle_support import oracle_outputs

SEED = 7


def model(nodes, inputs, outputs, constants=None, opset=17):
    """Inputs as {name: (element type, dims)}; outputs as {name: element type}."""
    graph = helper.make_graph(
        nodes,
        "dynamic",
        [helper.make_tensor_value_info(name, *what) for name, what in inputs.items()],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def floats(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def convolution():
    rng = np.random.default_rng(SEED)
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", ["m"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "v"], ["y"]),
    ]
    constants = {"w": floats(rng, 8, 3, 3, 3), "b": floats(rng, 8), "v": floats(rng, 8, 5)}
    return model(nodes, {"x": (TensorProto.FLOAT, ["n", 3, "h", "w"])}, {"y": TensorProto.FLOAT}, constants)


def attention():
    """One head, whose shapes are computed from that of the input, as PyTorch exports them."""
    rng = np.random.default_rng(SEED)
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["batch"]),
        node("Gather", ["s", "one"], ["length"]),
        node("Unsqueeze", ["batch", "axes"], ["batch1"]),
        node("Unsqueeze", ["length", "axes"], ["length1"]),
        node("Concat", ["batch1", "length1", "heads"], ["split"], axis=0),
        node("MatMul", ["x", "w"], ["q"]),
        node("Reshape", ["q", "split"], ["h"]),
        node("Transpose", ["h"], ["t"], perm=[0, 2, 1, 3]),
        node("Transpose", ["h"], ["k"], perm=[0, 2, 3, 1]),
        node("MatMul", ["t", "k"], ["scores"]),
        node("Softmax", ["scores"], ["p"], axis=-1),
        node("MatMul", ["p", "t"], ["o"]),
        node("Transpose", ["o"], ["u"], perm=[0, 2, 1, 3]),
        node("Concat", ["batch1", "length1", "width"], ["join"], axis=0),
        node("Reshape", ["u", "join"], ["j"]),
        node("Slice", ["table", "start", "length1", "axes"], ["positions"]),
        node("Add", ["j", "positions"], ["y"]),
    ]
    constants = {
        "zero": np.int64(0),
        "one": np.int64(1),
        "axes": np.int64([0]),
        "start": np.int64([0]),
        "heads": np.int64([2, 8]),
        "width": np.int64([16]),
        "w": floats(rng, 16, 16),
        "table": floats(rng, 512, 16),
    }
    return model(nodes, {"x": (TensorProto.FLOAT, ["b", "s", 16])}, {"y": TensorProto.FLOAT}, constants)


def upsampling():
    nodes = [
        node("Shape", ["skip"], ["s"]),
        node("Slice", ["s", "two", "four"], ["hw"]),
        node("Shape", ["x"], ["xs"]),
        node("Slice", ["xs", "none", "two"], ["nc"]),
        node("Concat", ["nc", "hw"], ["sizes"], axis=0),
        node("Resize", ["x", "", "", "sizes"], ["r"], mode="nearest", nearest_mode="floor"),
        node("Concat", ["r", "skip"], ["y"], axis=1),
    ]
    constants = {"none": np.int64([0]), "two": np.int64([2]), "four": np.int64([4])}
    inputs = {
        "x": (TensorProto.FLOAT, ["n", 4, "h", "w"]),
        "skip": (TensorProto.FLOAT, ["n", 2, "h2", "w2"]),
    }
    return model(nodes, inputs, {"y": TensorProto.FLOAT}, constants)


def filling():
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["ones"], value=numpy_helper.from_array(np.float32([1]))),
        node("Expand", ["row", "s"], ["e"]),
        node("Add", ["ones", "e"], ["a"]),
        node("Mul", ["a", "x"], ["y"]),
    ]
    return model(
        nodes,
        {"x": (TensorProto.FLOAT, ["n", 5])},
        {"y": TensorProto.FLOAT},
        {"row": np.arange(5, dtype=np.float32)},
    )


def shapes_of(rng, *lists):
    return [[floats(rng, *shape) for shape in shapes] for shapes in lists]


def cases():
    rng = np.random.default_rng(SEED)
    return [
        pytest.param(
            convolution(),
            "x:-1,3,-1,-1",
            shapes_of(rng, [(1, 3, 8, 8)], [(2, 3, 17, 9)], [(3, 3, 4, 40)], [(1, 3, 8, 8)], [(2, 3, 2, 2)]),
            id="convolution",
        ),
        pytest.param(
            attention(),
            "x:-1,-1,16",
            shapes_of(rng, [(1, 4, 16)], [(3, 1, 16)], [(2, 100, 16)], [(1, 512, 16)]),
            id="attention",
        ),
        pytest.param(
            upsampling(),
            "x:-1,4,-1,-1;skip:-1,2,-1,-1",
            shapes_of(rng, [(1, 4, 3, 4), (1, 2, 6, 8)], [(2, 4, 5, 5), (2, 2, 9, 11)], [(1, 4, 2, 2), (1, 2, 2, 2)]),
            id="upsampling",
        ),
        pytest.param(filling(), "x:-1,5", shapes_of(rng, [(1, 5)], [(7, 5)]), id="filling"),
    ]


@pytest.mark.parametrize(("source", "shapes", "feeds"), cases())
def test_every_size_equals_onnx_runtime(make_model, device, source, shapes, feeds):
    names = [value.name for value in source.graph.input]
    with DynamicModel(make_model(source, shapes)) as loaded:
        for arrays in feeds:
            wanted = oracle_outputs(source, dict(zip(names, arrays, strict=True)))
            for got, want in zip(loaded.run(arrays), wanted, strict=True):
                assert got.shape == want.shape
                np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_more_sizes_than_are_remembered(make_model, device):
    source = filling()
    with DynamicModel(make_model(source, "x:-1,5")) as loaded:
        for turn in range(2):
            for size in range(1, 40):
                x = np.full((size, 5), size + turn, np.float32)
                np.testing.assert_array_equal(loaded.run([x])[0], oracle_outputs(source, {"x": x})[0])


def test_the_description_says_what_is_open(make_model, device):
    with DynamicModel(make_model(convolution(), "x:-1,3,-1,-1")) as loaded:
        dims, ret = acl.mdl.get_input_dims(loaded.desc, 0)
        assert ret == 0
        assert dims["dims"] == [-1, 3, -1, -1]
        assert acl.mdl.get_output_dims(loaded.desc, 0)[0]["dims"] == [-1, 5]
        assert acl.mdl.get_input_size_by_index(loaded.desc, 0) == 0
        assert acl.mdl.get_output_size_by_index(loaded.desc, 0) == 0
        assert acl.mdl.get_cur_output_dims(loaded.desc, 0)[1] == 200001


def test_ranges_limit_sizes_and_inputs(make_model, device):
    om = make_model(convolution(), "x:1~4,3,8~16,8")
    with DynamicModel(om) as loaded:
        assert acl.mdl.get_input_size_by_index(loaded.desc, 0) == 4 * 4 * 3 * 16 * 8
        assert acl.mdl.get_output_size_by_index(loaded.desc, 0) == 4 * 4 * 5
        assert loaded.run([np.ones((4, 3, 16, 8), np.float32)])[0].shape == (4, 5)
        for shape in ((5, 3, 8, 8), (1, 3, 7, 8), (1, 3, 17, 8)):
            inputs, _ = described([np.ones(shape, np.float32)])
            outputs, _ = empty_outputs(1)
            assert acl.mdl.execute(loaded.id, inputs, outputs) == 100000
            assert "range" in message()


def test_areas_follow_the_contract(make_model, device):
    """The workspace is the library's; the weight area holds the file's weights, or nothing if it is too small."""
    om = make_model(convolution(), "x:-1,3,-1,-1")
    work, weight, ret = acl.mdl.query_size_from_mem(acl.util.bytes_to_ptr(om), len(om))
    assert (ret, work) == (0, 0)
    assert weight > 0
    x = np.ones((1, 3, 8, 8), np.float32)
    wanted = oracle_outputs(convolution(), {"x": x})[0]
    for size in (weight, weight - 1):
        area = np.zeros(weight, np.uint8)
        model_id, ret = acl.mdl.load_from_mem_with_mem(acl.util.bytes_to_ptr(om), len(om), 0, 0, area.ctypes.data, size)
        assert ret == 0, message()
        assert area.any() == (size == weight)
        inputs, _ = described([x])
        outputs, buffers = empty_outputs(1)
        assert acl.mdl.execute(model_id, inputs, outputs) == 0, message()
        np.testing.assert_allclose(results(outputs, buffers)[0], wanted, rtol=1e-4)
        assert acl.mdl.unload(model_id) == 0


def test_own_output_memory(make_model, device):
    """Outputs go where the caller says; one that is too small is refused and stays as it was."""
    source = filling()
    x = np.ones((6, 5), np.float32)
    wanted = oracle_outputs(source, {"x": x})[0]
    with DynamicModel(make_model(source, "x:-1,5")) as loaded:
        inputs, _ = described([x])
        for size, code in ((wanted.nbytes, 0), (wanted.nbytes - 1, 500002)):
            y = np.full(wanted.shape, 9, np.float32)
            outputs = acl.mdl.create_dataset()
            acl.mdl.add_dataset_buffer(outputs, acl.create_data_buffer(y.ctypes.data, size))
            assert acl.mdl.execute(loaded.id, inputs, outputs) == code
            if code:
                assert "[6, 5]" in message()
            np.testing.assert_array_equal(y, wanted if code == 0 else 9)


def test_wrong_shapes_are_refused_with_a_sentence(make_model, device):
    source = upsampling()
    with DynamicModel(make_model(source, "x:-1,4,-1,-1;skip:-1,2,-1,-1")) as loaded:
        good = [np.ones((1, 4, 2, 2), np.float32), np.ones((1, 2, 4, 4), np.float32)]
        for bad, code, words in (
            ([np.ones((1, 5, 2, 2), np.float32), good[1]], 100000, "input 0"),
            ([np.ones((2, 4, 2, 2), np.float32), good[1]], 500002, "shape"),
            ([good[0]], 100000, "1 buffers"),
        ):
            inputs, _ = described(bad)
            outputs, _ = empty_outputs(1)
            assert acl.mdl.execute(loaded.id, inputs, outputs) == code
            assert words in message()
        # Without a description nobody knows the shape.
        inputs = acl.mdl.create_dataset()
        for array in good:
            acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(array.ctypes.data, array.nbytes))
        outputs, _ = empty_outputs(1)
        assert acl.mdl.execute(loaded.id, inputs, outputs) == 100000
        assert "aclmdlSetDatasetTensorDesc" in message()
        # What was loaded goes on working.
        assert loaded.run(good)[0].shape == (1, 6, 4, 4)


def test_asynchronous_execution_describes_the_outputs(make_model, device):
    source = filling()
    x = np.ones((3, 5), np.float32)
    with DynamicModel(make_model(source, "x:-1,5")) as loaded:
        stream, ret = acl.rt.create_stream()
        assert ret == 0
        inputs, _ = described([x])
        y = np.zeros((3, 5), np.float32)
        outputs = acl.mdl.create_dataset()
        buffer = acl.create_data_buffer(y.ctypes.data, y.nbytes)
        acl.mdl.add_dataset_buffer(outputs, buffer)
        assert acl.mdl.execute_async(loaded.id, inputs, outputs, stream) == 0, message()
        assert acl.rt.synchronize_stream(stream) == 0
        np.testing.assert_array_equal(results(outputs, [buffer])[0], oracle_outputs(source, {"x": x})[0])
        assert acl.rt.destroy_stream(stream) == 0


def test_two_loads_execute_at_once(make_model, device):
    import threading

    om = make_model(attention(), "x:-1,-1,16")
    source = attention()
    failures = []

    def work(seed):
        try:
            acl.rt.set_device(0)
            rng = np.random.default_rng(seed)
            with DynamicModel(om) as loaded:
                for _ in range(20):
                    x = floats(rng, int(rng.integers(1, 4)), int(rng.integers(1, 30)), 16)
                    want = oracle_outputs(source, {"x": x})[0]
                    np.testing.assert_allclose(loaded.run([x])[0], want, rtol=1e-4, atol=1e-5)
        except BaseException as error:  # noqa: BLE001 - the main thread reports it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_nan_stays_nan(make_model, device):
    source = convolution()
    x = np.ones((1, 3, 8, 8), np.float32)
    x[0, 1, 2, 3] = np.nan
    with DynamicModel(make_model(source, "x:-1,3,-1,-1")) as loaded:
        np.testing.assert_array_equal(np.isnan(loaded.run([x])[0]), np.isnan(oracle_outputs(source, {"x": x})[0]))


def test_what_another_size_would_change_is_refused_by_name(atc_path, tmp_path):
    """Parts that are not equal have sizes, which the model cannot leave open."""
    source = model(
        [node("Split", ["x"], ["a", "b", "c"], axis=0, num_outputs=3), node("Neg", ["a"], ["y"])],
        {"x": (TensorProto.FLOAT, ["n", 5])},
        {"y": TensorProto.FLOAT},
        opset=18,
    )
    (tmp_path / "m.onnx").write_bytes(source.SerializeToString())
    command = [atc_path, f"--model={tmp_path / 'm.onnx'}", "--framework=5", f"--output={tmp_path / 'm'}"]
    done = subprocess.run([*command, "--input_shape=x:-1,5"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "E13014" in done.stdout
    assert "Split_a" in done.stdout


def test_the_old_spelling_of_ranges(atc_path, tmp_path):
    (tmp_path / "m.onnx").write_bytes(filling().SerializeToString())
    command = [atc_path, f"--model={tmp_path / 'm.onnx'}", "--framework=5", f"--output={tmp_path / 'm'}"]
    done = subprocess.run([*command, "--input_shape_range=x:[1~9,5]"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([*command, "--input_shape=x:9~1,5"], capture_output=True, text=True)
    assert "E10002" in done.stdout
    done = subprocess.run([*command, "--input_shape=x:1~9,5", "--dynamic_dims=1;2"], capture_output=True, text=True)
    assert "E10040" in done.stdout
