# SPDX-License-Identifier: Apache-2.0
"""Control flow, and results whose size depends on the data, against ONNX Runtime."""

import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl
from dynamic_support import DynamicModel, described, empty_outputs
from model_support import message, must_load
from oracle_support import oracle_outputs

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def body(nodes, inputs, outputs, constants=None, name="body"):
    return helper.make_graph(
        nodes,
        name,
        inputs,
        outputs,
        [numpy_helper.from_array(np.asarray(array), key) for key, array in (constants or {}).items()],
    )


def model(nodes, inputs, outputs, constants=None, opset=17):
    graph = body(nodes, inputs, outputs, constants, "main")
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def branch(same_shape):
    """x*x or a function of x and of the graph around, of the same shape or of another."""
    then = body([node("Mul", ["x", "x"], ["t"])], [], [value("t", FLOAT, None)], name="then")
    other = [node("Neg", ["x"], ["n"])]
    other += [node("Add", ["n", "around"], ["e"])] if same_shape else [node("Concat", ["n", "around"], ["e"], axis=0)]
    otherwise = body(other, [], [value("e", FLOAT, None)], {"unused": np.float32(0)}, name="else")
    nodes = [
        node("Relu", ["x"], ["around"]),
        node("If", ["c"], ["i"], then_branch=then, else_branch=otherwise),
        node("Exp", ["i"], ["y"]),
    ]
    return model(nodes, [value("x", FLOAT, [2, 3]), value("c", BOOL, [1])], [value("y", FLOAT, None)])


def loop(keeps_shape=True, counted=False):
    """Sums, or grows, what it carries; stops after a number of turns or when the sum is large; collects the turns."""
    step = [node("Add", ["carried", "x"], ["next"])] if keeps_shape else []
    if not keeps_shape:
        step = [node("Concat", ["carried", "x"], ["next"], axis=0)]
    step += [
        node("Cast", ["turn"], ["turn_float"], to=FLOAT),
        node("ReduceSum", ["next"], ["total"], keepdims=0),
        node("Mul", ["total", "turn_float"], ["collected"]),
    ]
    step += [node("Identity", ["going"], ["goes"])] if counted else [node("Less", ["total", "limit"], ["goes"])]
    inner = body(
        step,
        [value("turn", INT64, []), value("going", BOOL, []), value("carried", FLOAT, None)],
        [value("goes", BOOL, []), value("next", FLOAT, None), value("collected", FLOAT, None)],
        {"limit": np.float32(20)},
    )
    nodes = [node("Loop", ["count", "yes", "x"], ["last", "all"], body=inner), node("Relu", ["last"], ["y"])]
    return model(
        nodes,
        [value("x", FLOAT, [2, 3]), value("count", INT64, [])],
        [value("y", FLOAT, None), value("all", FLOAT, None)],
        {"yes": np.array(True)},
    )


def scan(directions, axes):
    """A running sum over the slices of two tensors, from either end and along any axis."""
    inner = body(
        [
            node("Mul", ["a", "b"], ["p"]),
            node("Add", ["sum", "p"], ["next"]),
            node("Neg", ["next"], ["each"]),
        ],
        [value("sum", FLOAT, [3]), value("a", FLOAT, [3]), value("b", FLOAT, [3])],
        [value("next", FLOAT, [3]), value("each", FLOAT, [3])],
    )
    shapes = [[4, 3] if axis == 0 else [3, 4] for axis in axes]
    scanning = node(
        "Scan",
        ["start", "x", "z"],
        ["y", "all"],
        body=inner,
        num_scan_inputs=2,
        scan_input_directions=directions,
        scan_input_axes=axes,
    )
    return model(
        [scanning],
        [value("start", FLOAT, [3]), value("x", FLOAT, shapes[0]), value("z", FLOAT, shapes[1])],
        [value("y", FLOAT, None), value("all", FLOAT, None)],
    )


@pytest.mark.parametrize("directions", [[0, 0], [1, 0], [0, 1]])
@pytest.mark.parametrize("axes", [[0, 0], [0, 1], [1, 0]])
def test_scan(make_model, device, directions, axes):
    rng = np.random.default_rng(6)
    source = scan(directions, axes)
    shapes = [[d.dim_value for d in v.type.tensor_type.shape.dim] for v in source.graph.input]
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    wanted = oracle_outputs(source, dict(zip(("start", "x", "z"), arrays, strict=True)))
    with DynamicModel(make_model(source)) as loaded:
        for got, want in zip(loaded.run(arrays), wanted, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5)


X = np.random.default_rng(3).standard_normal((2, 3)).astype(np.float32)
CASES = [
    pytest.param(branch(True), [{"x": X, "c": np.array([c])} for c in (True, False, True)], id="if"),
    pytest.param(branch(False), [{"x": X, "c": np.array([c])} for c in (True, False, True)], id="if-other-shape"),
    pytest.param(loop(), [{"x": np.abs(X), "count": np.array(n, np.int64)} for n in (5, 0, 1, 1000)], id="loop"),
    pytest.param(loop(counted=True), [{"x": X, "count": np.array(n, np.int64)} for n in (3, 7)], id="loop-counted"),
    pytest.param(
        loop(keeps_shape=False), [{"x": np.abs(X), "count": np.array(n, np.int64)} for n in (4, 1)], id="loop-grows"
    ),
    pytest.param(
        model([node("NonZero", ["x"], ["y"])], [value("x", FLOAT, [3, 4])], [value("y", INT64, None)]),
        [
            {"x": np.float32([[0, 1, 0, 2], [0, 0, 0, 0], [-0.0, np.nan, 3, 0]])},
            {"x": np.zeros((3, 4), np.float32)},
            {"x": np.ones((3, 4), np.float32)},
        ],
        id="nonzero",
    ),
    pytest.param(
        model(
            [
                node("Greater", ["x", "zero"], ["m"]),
                node("NonZero", ["m"], ["n"]),
                node("Transpose", ["n"], ["i"]),
                node("GatherND", ["x", "i"], ["g"]),
                node("Mul", ["g", "g"], ["s"]),
                node("ReduceSum", ["s"], ["y"], keepdims=0),
            ],
            [value("x", FLOAT, [3, 4])],
            [value("y", FLOAT, None), value("g", FLOAT, None)],
            {"zero": np.float32(0)},
        ),
        [{"x": np.random.default_rng(s).standard_normal((3, 4)).astype(np.float32)} for s in range(4)],
        id="mask",
    ),
    pytest.param(
        model(
            [node("Range", ["zero", "n", "one"], ["r"]), node("Cast", ["r"], ["y"], to=FLOAT)],
            [value("n", INT64, [])],
            [value("y", FLOAT, None)],
            {"zero": np.int64(0), "one": np.int64(1)},
        ),
        [{"n": np.array(n, np.int64)} for n in (4, 1, 9)],
        id="range",
    ),
    pytest.param(
        model(
            [
                node("Reshape", ["x", "shape"], ["r"]),
                node("Slice", ["r", "from", "to", "axis"], ["s"]),
                node("Expand", ["s", "wide"], ["e"]),
                node("Mul", ["e", "two"], ["y"]),
            ],
            [
                value("x", FLOAT, [4, 6]),
                value("shape", INT64, [3]),
                value("from", INT64, [1]),
                value("to", INT64, [1]),
                value("wide", INT64, [4]),
            ],
            [value("y", FLOAT, None), value("s", FLOAT, None)],
            {"axis": np.int64([1]), "two": np.float32(2)},
        ),
        [
            {
                "x": np.arange(24, dtype=np.float32).reshape(4, 6),
                "shape": np.int64(shape),
                "from": np.int64([start]),
                "to": np.int64([end]),
                "wide": np.int64(wide),
            }
            for shape, start, end, wide in (
                ([2, 3, 4], 1, 3, [3, 1, 1, 4]),
                ([1, -1, 1], -4, 1000, [2, 1, 1, 5]),
                ([2, 12, 1], 0, 1, [1, 1, 1, 1]),
            )
        ],
        id="shapes-as-values",
    ),
]


@pytest.mark.parametrize(("source", "feeds"), CASES)
def test_equals_onnx_runtime(make_model, device, source, feeds):
    with DynamicModel(make_model(source)) as loaded:
        for feed in feeds:
            wanted = oracle_outputs(source, feed)
            for got, want in zip(loaded.run(list(feed.values())), wanted, strict=True):
                assert got.shape == want.shape
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["f2", "f8", "i1", "u1", "i4", "i8", "?"])
def test_nonzero_of_every_type(make_model, device, kind):
    x = np.array([[0, 1, 0], [2, 0, 3]]).astype(kind)
    number = helper.np_dtype_to_tensor_dtype(x.dtype)
    source = model([node("NonZero", ["x"], ["y"])], [value("x", number, [2, 3])], [value("y", INT64, None)])
    with DynamicModel(make_model(source)) as loaded:
        np.testing.assert_array_equal(loaded.run([x])[0], np.array(np.nonzero(x)))


def nested():
    """A loop whose turns choose between branches that read tensors of every graph around them."""
    then = body([node("Add", ["carried", "scaled"], ["t"])], [], [value("t", FLOAT, None)], name="plus")
    other = body([node("Sub", ["carried", "x"], ["e"])], [], [value("e", FLOAT, None)], name="minus")
    inner = body(
        [
            node("Mul", ["x", "carried"], ["scaled"]),
            node("Mod", ["turn", "two"], ["odd"]),
            node("Cast", ["odd"], ["is_odd"], to=BOOL),
            node("If", ["is_odd"], ["next"], then_branch=then, else_branch=other),
            node("Identity", ["going"], ["goes"]),
        ],
        [value("turn", INT64, []), value("going", BOOL, []), value("carried", FLOAT, None)],
        [value("goes", BOOL, []), value("next", FLOAT, None)],
        {"two": np.int64(2)},
    )
    return model(
        [node("Loop", ["count", "", "x"], ["y"], body=inner)],
        [value("x", FLOAT, [2, 3]), value("count", INT64, [])],
        [value("y", FLOAT, None)],
    )


def test_branches_inside_of_loops(make_model, device):
    source = nested()
    with DynamicModel(make_model(source)) as loaded:
        for count in range(5):
            feed = {"x": X, "count": np.array(count, np.int64)}
            np.testing.assert_allclose(loaded.run(list(feed.values()))[0], oracle_outputs(source, feed)[0], rtol=1e-5)


def test_static_if_keeps_its_shapes(make_model, device):
    """Both branches agree: the model is one of known shape, and programs allocate outputs as it is described."""
    with DynamicModel(make_model(branch(True))) as loaded:
        assert acl.mdl.get_output_dims(loaded.desc, 0)[0]["dims"] == [2, 3]
        assert acl.mdl.get_output_size_by_index(loaded.desc, 0) == 24
        assert acl.mdl.get_cur_output_dims(loaded.desc, 0)[1] == 0


def test_counted_results_state_their_largest_size(make_model, device):
    source = model([node("NonZero", ["x"], ["y"])], [value("x", FLOAT, [3, 4])], [value("y", INT64, None)])
    with DynamicModel(make_model(source)) as loaded:
        assert acl.mdl.get_output_dims(loaded.desc, 0)[0]["dims"] == [2, -1]
        assert acl.mdl.get_output_size_by_index(loaded.desc, 0) == 2 * 12 * 8


def test_a_failure_inside_a_branch_names_the_node(make_model, device):
    then = body([node("Gather", ["x", "i"], ["t"])], [], [value("t", FLOAT, None)], name="then")
    other = body([node("Identity", ["x"], ["e"])], [], [value("e", FLOAT, None)], name="else")
    source = model(
        [node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
        [value("x", FLOAT, [2, 3]), value("c", BOOL, []), value("i", INT64, [2])],
        [value("y", FLOAT, None)],
    )
    with DynamicModel(make_model(source)) as loaded:
        for index, code in ((1, 0), (2, 507018), (0, 0)):
            inputs, _ = described([X, np.array(True), np.int64([0, index])])
            outputs, _ = empty_outputs(1)
            assert acl.mdl.execute(loaded.id, inputs, outputs) == code
            if code:
                assert "Gather_t" in message()


def test_a_branch_that_does_not_fit_fails_when_it_is_taken(make_model, device):
    then = body([node("MatMul", ["x", "fits"], ["t"])], [], [value("t", FLOAT, None)], name="fitting")
    other = body([node("MatMul", ["x", "large"], ["e"])], [], [value("e", FLOAT, None)], name="other")
    source = model(
        [node("If", ["c"], ["i"], then_branch=then, else_branch=other), node("Relu", ["i"], ["y"])],
        [value("x", FLOAT, [2, 3]), value("c", BOOL, [])],
        [value("y", FLOAT, None)],
        {"fits": np.ones((3, 4), np.float32), "large": np.ones((5, 4), np.float32)},
    )
    with DynamicModel(make_model(source)) as loaded:
        inputs, _ = described([X, np.array(False)])
        outputs, _ = empty_outputs(1)
        assert acl.mdl.execute(loaded.id, inputs, outputs) == 507011
        assert "MatMul_e" in message()
        np.testing.assert_allclose(
            loaded.run([X, np.array(True)])[0], np.maximum(X @ np.ones((3, 4), np.float32), 0), rtol=1e-5
        )


def endless():
    inner = body(
        [node("Identity", ["going"], ["goes"]), node("Add", ["carried", "one"], ["next"])],
        [value("turn", INT64, []), value("going", BOOL, []), value("carried", FLOAT, None)],
        [value("goes", BOOL, []), value("next", FLOAT, None)],
        {"one": np.float32(1)},
    )
    return model(
        [node("Loop", ["", "yes", "x"], ["y"], body=inner)],
        [value("x", FLOAT, [2]), value("yes", BOOL, [])],
        [value("y", FLOAT, None)],
    )


@pytest.mark.parametrize("how", ["abort", "unload"])
def test_an_endless_loop_ends_with_its_stream_or_model(make_model, device, how):
    model_id = must_load(make_model(endless()))
    inputs, _ = described([np.float32([1, 2]), np.array(True)])
    y = np.zeros(2, np.float32)
    outputs = acl.mdl.create_dataset()
    acl.mdl.add_dataset_buffer(outputs, acl.create_data_buffer(y.ctypes.data, y.nbytes))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    assert acl.mdl.execute_async(model_id, inputs, outputs, stream) == 0, message()
    assert acl.rt.synchronize_stream_with_timeout(stream, 200) == 507046
    if how == "abort":
        assert acl.rt.stream_abort(stream) == 0
    assert acl.mdl.unload(model_id) == 0, message()
    acl.rt.synchronize_stream(stream)
    assert acl.rt.destroy_stream(stream) == 0


def test_an_endless_loop_can_be_interrupted(make_model, device):
    program = """
import sys, numpy as np, acl
sys.path.insert(0, sys.argv[2])
from dynamic_support import DynamicModel
acl.init(); acl.rt.set_device(0)
with DynamicModel(open(sys.argv[1], "rb").read()) as loaded:
    print("ready", flush=True)
    try:
        loaded.run([np.float32([1, 2]), np.array(True)])
    except KeyboardInterrupt:
        print("interrupted")
"""
    with tempfile.NamedTemporaryFile(suffix=".om") as file:
        file.write(make_model(endless()))
        file.flush()
        folder = __file__.rsplit("/", 1)[0]
        with subprocess.Popen(
            [sys.executable, "-c", program, file.name, folder], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        assert out == "interrupted\n"
