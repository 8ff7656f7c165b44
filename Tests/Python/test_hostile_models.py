# SPDX-License-Identifier: Apache-2.0
"""Offline models that contradict themselves are refused with 500002 and a sentence, whoever reads them."""

import resource
import struct

import pytest

import acl
from model_support import message
from offline_models import (
    FLOAT,
    IN_OUT_INFO,
    INT32,
    UINT8,
    const,
    data,
    desc,
    description,
    gears,
    graph,
    model,
    op,
    output,
)

# Constants have a code of their own when sizes are asked for.
REFUSED = {500002, 545003}
VECTOR = desc([4])
HUGE = [2**62, 2**63 - 1, -(2**63), 2**47, -4]


def relu(name="relu", source="x:0", outputs=(VECTOR,), descs=(VECTOR,)):
    return op(name, "Relu", [source], outputs, descs)


def load(om):
    model_id, code = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(om), len(om))
    if code == 0:
        acl.mdl.unload(model_id)
    return code


def query(om):
    return acl.mdl.query_size_from_mem(acl.util.bytes_to_ptr(om), len(om))[2]


def describe(om):
    handle = acl.mdl.create_desc()
    code = acl.mdl.get_desc_from_mem(handle, acl.util.bytes_to_ptr(om), len(om))
    acl.mdl.destroy_desc(handle)
    return code


def assert_refused(om, *words, by=(load, query)):
    for read in by:
        assert read(om) in REFUSED, read.__name__
        text = message()
        assert all(word in text for word in words), text


def test_the_builder_makes_models_that_load(device):
    assert load(model(graph(data("x", VECTOR), relu(), output("relu:0")))) == 0


def test_nothing_reads_the_end_of_the_graph(device):
    end = op("middle", "NetOutput", ["x:0"], [VECTOR], [VECTOR])
    assert_refused(
        model(graph(data("x", VECTOR), end, relu(source="middle:0"), output("relu:0"))),
        "relu", "middle", by=(load, query, describe),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "reader"),
    [
        ([data("x", VECTOR), relu(outputs=[VECTOR, VECTOR]), output("relu:1")], "out"),
        ([data("x", VECTOR, VECTOR), relu(source="x:1"), output("relu:0")], "relu"),
        ([const("x", [4], [1, 2, 3, 4], "f", FLOAT), relu(source="x:1"), output("relu:0")], "relu"),
        ([op("x", "NoSuchType", outputs=[VECTOR]), relu(source="x:0"), output("relu:0")], "x"),
    ],
)
def test_slots_that_a_node_does_not_have(device, nodes, reader):
    assert_refused(model(graph(*nodes)), reader, by=(load,))


@pytest.mark.parametrize("dims", [*([size] for size in HUGE), [2**31, 2**31], [0, 2**62], [1] * 129, [2**20] * 4])
@pytest.mark.parametrize("place", ["input", "input desc", "output", "constant"])
def test_shapes_that_no_tensor_has(device, dims, place):
    wrong = desc(dims)
    nodes = [data("x", wrong if place == "input" else VECTOR)]
    nodes.append(
        relu(descs=[wrong if place == "input desc" else VECTOR], outputs=[wrong if place == "output" else VECTOR])
    )
    if place == "constant":
        nodes[0] = const("x", dims, [1], "f", FLOAT)
    assert_refused(model(graph(*nodes, output("relu:0"))))


@pytest.mark.parametrize("size", [2**62, 2**48])
def test_stated_sizes_beyond_any_memory(device, size):
    image = desc([1, 4, 4, 3], UINT8, size=size, layout="NHWC")
    x = data("x", image, _data_related_aipp_mode="static_aipp")
    assert_refused(model(graph(x, output("x:0"))), "size")


@pytest.mark.parametrize(
    "rows", [[[1]], [[1, 2, 3]], [[]], [[8, 8], [8]], [[-1, 4]], [[4, 0]], [[4, 2**31]], [[4, -(2**63)]]]
)
def test_gears_without_height_and_width(device, rows):
    info = description((3, gears(rows)))
    file = model(graph(data("x", VECTOR), relu(), output("relu:0")), more={IN_OUT_INFO: info})
    assert_refused(file, "gear", by=(load, query, describe))


@pytest.mark.parametrize("sizes", [[0], [-1], [1, 2**40], [2**63 - 1]])
def test_batch_sizes_that_are_none(device, sizes):
    info = description((2, struct.pack(f"<I{len(sizes)}q", len(sizes), *sizes)))
    file = model(graph(data("x", VECTOR), relu(), output("relu:0")), more={IN_OUT_INFO: info})
    assert_refused(file, "batch", by=(load, query, describe))


def case(kind, rows, branches=None, inputs=1):
    """A root with as many branches as `rows`, chosen from the input for gears."""
    attributes = {"_batch_num": len(rows), "mbatch_dynamic_type": kind}
    attributes |= {f"_pred_value_{number}": row for number, row in enumerate(rows)}
    values = desc([len(rows[0])], INT32)
    branches = branches or [f"b{number}" for number in range(len(rows))]
    return graph(
        *[data(f"x{number}", VECTOR, index=number) for number in range(inputs)],
        data("ascend_mbatch_shape_data", values, index=inputs),
        const("map", [1], [1], "i", INT32),
        op("index", "MapIndex", ["ascend_mbatch_shape_data:0", "map:0"], [desc([], INT32)]),
        op("case", "Case", ["index:0", "x0:0"], [VECTOR], attributes=attributes, subgraphs=branches),
        output("case:0"),
    )


def branch(name):
    return graph(
        data(f"x_{name}", VECTOR, _parent_node_index=1), relu(source=f"x_{name}:0"), output("relu:0"), name=name
    )


def test_gears_of_the_graph(device):
    assert load(model(case(1, [[1], [2]]), branch("b0"), branch("b1"))) == 0


@pytest.mark.parametrize(
    ("kind", "rows"), [(2, [[1], [2]]), (2, [[3, 4], [-3, 4]]), (1, [[1], [-2]]), (3, [[1, 2], [3]])]
)
def test_gears_of_the_graph_without_sizes(device, kind, rows):
    assert_refused(model(case(kind, rows), branch("b0"), branch("b1")), by=(load, query, describe))


def test_a_branch_serves_one_gear(device):
    """Else a file of some bytes for each gear would be a graph of megabytes for each."""
    rows = [[number + 1] for number in range(64)]
    assert_refused(model(case(1, rows, ["b0"] * 64), branch("b0")), "branches", by=(load,))


def test_nodes_around_many_gears(device):
    rows = [[number + 1] for number in range(200)]
    file = model(case(1, rows, inputs=400), *[branch(f"b{number}") for number in range(200)])
    assert_refused(file, "gears", by=(load,))


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs"),
    [
        ("Range", {}, [([], [0]), ([], [10**9]), ([], [1])]),
        ("PadV3", {"mode": "reflect"}, [([4], [1.0] * 4), ([2], [2**27, 0])]),
        ("ResizeNearestNeighborV2", {"data_format": "NCHW"}, [([1, 1, 1, 1], [1.0]), ([2], [2**26, 1])]),
        ("ExpandDims", {}, [([4], [1.0] * 4), ([], [-(2**31)])]),
        ("SplitD", {"split_dim": 0, "num_split": 65536}, [([65536], [0.0])]),
    ],
)
def test_nodes_that_ask_for_more_than_they_are(device, kind, attributes, inputs):
    nodes = []
    for number, (dims, values) in enumerate(inputs):
        whole = all(isinstance(value, int) for value in values)
        nodes.append(const(f"c{number}", dims, values, "i" if whole else "f", INT32 if whole else FLOAT))
    if kind == "SplitD":
        nodes = [data("c0", desc([65536]))]
    sources = [f"c{number}:0" for number in range(len(inputs))]
    nodes.append(op("node", kind, sources, [desc([-2])], attributes=attributes))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_refused(model(graph(*nodes, output("node:0"))), "node", by=(load,))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10


def test_many_nodes_that_each_ask_for_much(device):
    """Each table is small enough, all of them together are not."""
    nodes = [data("x", desc([1, 1, 1, 1])), const("size", [2], [1 << 22, 1], "i", INT32)]
    for number in range(64):
        attributes = {"data_format": "NCHW"}
        nodes.append(op(f"r{number}", "ResizeBilinearV2", ["x:0", "size:0"], [desc([-2])], attributes=attributes))
    nodes.append(output(*[f"r{number}:0" for number in range(64)]))
    assert_refused(model(graph(*nodes)), "tables", by=(load,))


def test_a_workspace_beyond_any_memory(device):
    nodes = [data("x", desc([1])), const("shape", [1], [2**44], "q", 8)]
    nodes += [op("wide", "Expand", ["x:0", "shape:0"], [desc([-1])]), relu("narrow", "wide:0", [desc([-1])], [])]
    nodes.append(op("sum", "ReduceSumD", ["narrow:0"], [desc([-2])], attributes={"axes": [0]}))
    code = load(model(graph(*nodes, output("sum:0"))))
    assert code != 0
    assert message()
