# SPDX-License-Identifier: Apache-2.0
"""ONNX models that ask for more than they are: converted within bounds, or refused with E13014."""

import resource
import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl
from model_support import message, model_outputs
from offline_models import field

MEMORY = 3 << 30
SECONDS = 60
LARGEST_RESULT = 80 << 20


def constant(name, values, dtype):
    return numpy_helper.from_array(np.array(values, dtype), name)


def network(nodes, *initializers, shape=(1,), dtype=TensorProto.FLOAT, opset=13):
    """x of `shape` -> y."""
    values = [helper.make_tensor_value_info(name, dtype, dims) for name, dims in (("x", shape), ("y", None))]
    graph = helper.make_graph([helper.make_node(*node[:3], **node[3]) for node in nodes], "g", values[:1], values[1:])
    graph.initializer.extend(initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(kind, inputs, result="y", **attributes):
    return kind, inputs.split(","), [result], attributes


def convert(atc_path, folder, model):
    """atc in a process that may not use much; returns its output and the offline model, if there is one."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    (folder / "m.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    command = [atc_path, f"--model={folder}/m.onnx", "--framework=5", f"--output={folder}/m"]
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert run.returncode in (0, 255), f"{run.returncode}\n{run.stdout}\n{run.stderr}"
    result = folder / "m.om"
    return run.stdout, result.read_bytes() if run.returncode == 0 else None


WIDE = constant("wide", [2**34], np.int64)
ONE = constant("one", [1.0], np.float32)

# What is kept, as it would take too much to compute it at conversion: the nodes that add a result to x.
KEPT = {
    "expand": ([node("Expand", "one,wide", "e"), node("Add", "x,e")], ONE, WIDE),
    "tile": ([node("Tile", "one,wide", "e"), node("Add", "x,e")], ONE, WIDE),
    "fill": ([node("ConstantOfShape", "wide", "e"), node("Add", "x,e")], WIDE),
    "pad": (
        [node("Pad", "one,pads", "e"), node("Add", "x,e")], ONE, constant("pads", [2**33, 2**33 - 1], np.int64),
    ),
    "product": (
        [node("MatMul", "a,b", "e"), node("Add", "x,e")],
        constant("a", np.ones((8192, 1)), np.float32), constant("b", np.ones((1, 8192)), np.float32),
    ),
    "convolution": (
        [node("Conv", "a,a", "e", pads=[511] * 4), node("Add", "x,e")],
        constant("a", np.ones((1, 1, 512, 512)), np.float32),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KEPT)
def test_nodes_are_kept_that_would_take_too_much(atc_path, device, tmp_path, case):
    nodes, *initializers = KEPT[case]
    output, om = convert(atc_path, tmp_path, network(nodes, *initializers))
    assert om is not None, output
    assert len(om) < 4 << 20
    model_id, code = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(om), len(om))
    if code == 0:
        assert acl.mdl.unload(model_id) == 0
    else:
        assert message()


def test_what_is_small_is_folded_as_before(atc_path, tmp_path):
    shape = constant("shape", [1024, 1024], np.int64)
    nodes = [node("Expand", "one,shape", "e"), node("Mul", "e,e", "f"), node("Add", "x,f")]
    output, om = convert(atc_path, tmp_path, network(nodes, ONE, shape, shape=(1024, 1024)))
    assert om is not None, output
    assert len(om) > 4 << 20


def test_many_small_results_are_too_much_together(atc_path, tmp_path):
    """200 nodes of some bytes, each with a result of 4 MiB."""
    nodes = [node("Expand", "one,shape", "n0")]
    nodes += [node("Add", f"n{number},n{number}", f"n{number + 1}") for number in range(200)]
    nodes.append(node("Concat", ",".join(f"n{number}" for number in range(201)), "c", axis=0))
    nodes.append(node("Add", "x,c"))
    output, om = convert(atc_path, tmp_path, network(nodes, ONE, constant("shape", [1 << 20], np.int64)))
    assert om is not None, output
    assert len(om) < LARGEST_RESULT


def test_a_filter_is_not_folded_without_end(atc_path, tmp_path):
    """Each factor would make a filter of 4 MiB anew."""
    weights = constant("w", np.ones((1024, 1024, 1, 1)), np.float32)
    factor = constant("factor", [[[[1.5]]]], np.float32)
    nodes = [node("Conv", "x,w", "n0")]
    nodes += [node("Mul", f"n{number},factor", f"n{number + 1}") for number in range(3000)]
    nodes.append(node("Relu", "n3000"))
    model = network(nodes, weights, factor, shape=(1, 1024, 1, 1))
    output, om = convert(atc_path, tmp_path, model)
    assert om is not None, output
    assert len(om) < 8 << 20


@pytest.mark.parametrize("count", [20000])
def test_many_nodes_around_one_tensor(atc_path, tmp_path, count):
    """Time in proportion to the nodes, though each of them reads x and only its attribute is its own."""
    nodes = [node("LeakyRelu", "x", f"n{number}", alpha=number / count) for number in range(count)]
    nodes += [node("Sum", ",".join(f"n{number}" for number in range(count)))]
    output, om = convert(atc_path, tmp_path, network(nodes))
    assert om is not None, output


REFUSED = {
    "scales inf": (
        [node("Resize", "x,,scales", mode="nearest")], constant("scales", [1, 1, np.inf, 1], np.float32),
    ),
    "scales nan": (
        [node("Resize", "x,,scales", mode="nearest")], constant("scales", [1, 1, np.nan, 1], np.float32),
    ),
    "scales large": (
        [node("Resize", "x,,scales", mode="nearest")], constant("scales", [1, 1, 1e10, 1], np.float32),
    ),
    "scales opset 9": ([node("Upsample", "x", scales=[1.0, 1.0, float("inf"), 1.0])],),
    "sizes": ([node("Resize", "x,,,sizes", mode="linear")], constant("sizes", [1, 1, 2**62, 1], np.int64)),
    "sizes too few": (
        [node("Resize", "x,,,sizes", keep_aspect_ratio_policy="not_larger")], constant("sizes", [2], np.int64),
    ),
    "split in none": ([("Split", ["x"], [], {"axis": 0})],),
    "pads": ([node("Pad", "x,pads")], constant("pads", [2**62, 0, 0, 0, 2**62, 0, 0, 0], np.int64)),
    "reshape": ([node("Reshape", "x,shape")], constant("shape", [2**32, 2**32], np.int64)),
    "reshape rest": ([node("Reshape", "x,shape")], constant("shape", [2**32, 2**32, -1], np.int64)),
    "fill": ([node("ConstantOfShape", "dims", "d"), node("Add", "x,d")], constant("dims", [2**40, 2**40], np.int64)),
    "fill negative": ([node("ConstantOfShape", "dims", "d"), node("Add", "x,d")], constant("dims", [-1], np.int64)),
    "tile": ([node("Tile", "x,repeats")], constant("repeats", [2**62, 2**62, 2, 2], np.int64)),
    "range": (
        [node("Range", "start,limit,step", "r"), node("Add", "x,r")], constant("start", 0, np.int64),
        constant("limit", 2**62, np.int64), constant("step", 1, np.int64),
    ),
    "range to zero": (
        [node("Range", "start,limit,step", "r"), node("Add", "x,r")], constant("start", 0, np.float32),
        constant("limit", 1e30, np.float32), constant("step", 1e-30, np.float32),
    ),
    "search": (
        [node("Expand", "one,shape", "e"), node("NonZero", "e", "n"), node("Gather", "x,n")],
        constant("one", [True], np.bool_), constant("shape", [1 << 24], np.int64),
    ),
    "one hot": (
        [node("OneHot", "i,depth,values", "o"), node("Add", "x,o")], constant("i", [1], np.int64),
        constant("depth", 2**62, np.int64), constant("values", [0, 1], np.float32),
    ),
    "convolution": (
        [node("Conv", "x,w", strides=[2**62, 1], pads=[2**62] * 4, dilations=[2**62, 2**62])],
        constant("w", np.ones((1, 1, 2, 2)), np.float32),
    ),
    "transposed convolution": (
        [node("ConvTranspose", "x,w", strides=[2**62, 2**62], output_padding=[2**62, 2**62], auto_pad="SAME_UPPER")],
        constant("w", np.ones((1, 1, 2, 2)), np.float32),
    ),
    "pooling": ([node("MaxPool", "x", kernel_shape=[2**62, 2**62], auto_pad="SAME_LOWER")],),
    "blocks": ([node("DepthToSpace", "x", blocksize=2**62)],),
    "groups": (
        [node("GroupNormalization", "x,s,s", num_groups=2**62)], constant("s", [1.0], np.float32),
    ),
    "axis": ([node("Flatten", "x", axis=-(2**63))],),
    "triangle": ([node("Trilu", "x,k", upper=1)], constant("k", [1, 2, 3], np.int64)),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_sizes_that_no_tensor_has(atc_path, tmp_path, case):
    nodes, *initializers = REFUSED[case]
    opset = {"scales opset 9": 9, "groups": 18, "sizes too few": 18}.get(case, 14)
    output, om = convert(atc_path, tmp_path, network(nodes, *initializers, shape=(1, 1, 4, 4), opset=opset))
    assert om is None
    assert "\nE13014: " in output or "\nE11010: " in output, output


@pytest.mark.parametrize("k", [2**63 - 1, -(2**63), 2**47])
def test_diagonals_far_outside(atc_path, device, tmp_path, k):
    nodes = [node("Trilu", "x,k", upper=1)]
    output, om = convert(atc_path, tmp_path, network(nodes, constant("k", k, np.int64), shape=(4, 4), opset=14))
    assert om is not None, output
    given = np.arange(16, dtype=np.float32).reshape(4, 4)
    (result,) = model_outputs(device, om, [given], [given])
    np.testing.assert_array_equal(result, np.zeros_like(given) if k > 0 else given)


def test_external_data_is_not_read_without_end(atc_path, tmp_path):
    """4000 tensors of a megabyte each, all of them in one file of a megabyte."""
    (tmp_path / "weights").write_bytes(bytes(1 << 20) + bytes(4096))
    tensors = []
    for number in range(4000):
        tensor = TensorProto(name=f"t{number}", data_type=TensorProto.FLOAT, dims=[1 << 18])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "weights"), ("offset", number), ("length", 1 << 20)):
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    nodes = [node("Sum", ",".join(tensor.name for tensor in tensors), "s"), node("Add", "x,s")]
    output, om = convert(atc_path, tmp_path, network(nodes, *tensors))
    assert om is None
    assert "\nE13014: " in output
    assert "overlap" in output


def test_external_data_may_be_shared(atc_path, tmp_path):
    (tmp_path / "weights").write_bytes(np.ones(1 << 18, np.float32).tobytes())
    tensors = []
    for number in range(200):
        tensor = TensorProto(name=f"t{number}", data_type=TensorProto.FLOAT, dims=[1 << 18])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights")
        tensors.append(tensor)
    nodes = [node("Sum", "x," + ",".join(tensor.name for tensor in tensors))]
    output, om = convert(atc_path, tmp_path, network(nodes, *tensors))
    assert om is not None, output
    assert len(om) < 4 << 20


def test_graphs_within_graphs_without_end(atc_path, tmp_path):
    """Deeper than the onnx package can write."""
    node = field(1, "x") + field(2, "y") + field(4, "Relu")
    for _ in range(2000):
        branch = field(1, "then_branch") + field(6, field(1, node)) + field(20, 5)
        node = field(1, "x") + field(2, "y") + field(4, "If") + field(5, branch)
    values = b"".join(field(number, field(1, name)) for number, name in ((11, "x"), (12, "y")))
    model = field(1, 8) + field(7, field(1, node) + values) + field(8, field(2, 13))
    output, om = convert(atc_path, tmp_path, model)
    assert om is None
    assert "\nE13005: " in output, output
