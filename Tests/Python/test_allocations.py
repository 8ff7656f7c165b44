# SPDX-License-Identifier: Apache-2.0
"""A steady execution allocates nothing of ours: counted by a preloaded library, not by our own word."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

import test_atc_operators
from model_support import _initializer, _model, add_model, conv_model

HERE = Path(__file__).parent


def transformer_model(seed, tokens=16, width=32, heads=4):
    """One encoder layer: layer norm, attention, residual sums and a feed-forward part with GELU."""
    rng = np.random.default_rng(seed)
    head = width // heads

    def weight(name, *shape):
        return _initializer(name, rng.standard_normal(shape) / shape[0] ** 0.5)

    weights = [weight(name, width, width) for name in ("wq", "wk", "wv", "wo")]
    weights += [weight("w1", width, 4 * width), weight("w2", 4 * width, width)]
    weights += [_initializer("gain", rng.standard_normal(width)), _initializer("shift", rng.standard_normal(width))]
    weights += [
        _initializer(name, np.float32(value))
        for name, value in (("scale", head**0.5), ("eps", 1e-5), ("root2", 2**0.5), ("one", 1), ("half", 0.5))
    ]
    shapes = {"split": [1, tokens, heads, head], "joined": [1, tokens, width]}
    constants = [helper.make_node("Constant", [], [name], value_ints=value) for name, value in shapes.items()]

    def node(kind, inputs, output, **attributes):
        return helper.make_node(kind, inputs.split(), [output], name=output, **attributes)

    def split(name, order):
        return [
            node("MatMul", f"n w{name}", f"{name}0"),
            node("Reshape", f"{name}0 split", f"{name}1"),
            node("Transpose", f"{name}1", name, perm=order),
        ]

    nodes = [
        *constants,
        node("ReduceMean", "x", "mean", axes=[-1]),
        node("Sub", "x mean", "centred"),
        node("Mul", "centred centred", "square"),
        node("ReduceMean", "square", "variance", axes=[-1]),
        node("Add", "variance eps", "safe"),
        node("Sqrt", "safe", "deviation"),
        node("Div", "centred deviation", "normal"),
        node("Mul", "normal gain", "gained"),
        node("Add", "gained shift", "n"),
        *split("q", [0, 2, 1, 3]),
        *split("k", [0, 2, 3, 1]),
        *split("v", [0, 2, 1, 3]),
        node("MatMul", "q k", "scores"),
        node("Div", "scores scale", "scaled"),
        node("Softmax", "scaled", "attention", axis=-1),
        node("MatMul", "attention v", "mixed"),
        node("Transpose", "mixed", "turned", perm=[0, 2, 1, 3]),
        node("Reshape", "turned joined", "heads"),
        node("MatMul", "heads wo", "projected"),
        node("Add", "projected x", "residual"),
        node("MatMul", "residual w1", "wide"),
        node("Div", "wide root2", "e0"),
        node("Erf", "e0", "e1"),
        node("Add", "e1 one", "e2"),
        node("Mul", "wide e2", "e3"),
        node("Mul", "e3 half", "gelu"),
        node("MatMul", "gelu w2", "narrow"),
        node("Add", "narrow residual", "y"),
    ]
    shape = [1, tokens, width]
    return _model(nodes, {"x": shape}, {"y": shape}, weights, "transformer")


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    library = tmp_path_factory.mktemp("counter") / "liballocation_counter.so"
    source = HERE / "allocation_counter.c"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-Wall", "-Werror", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library


def _measure(counter, files, threads):
    environment = os.environ | {"LD_PRELOAD": str(counter), "PYACLMDL_NUM_THREADS": str(threads)}
    command = [sys.executable, str(HERE / "allocation_worker.py"), str(counter), *map(str, files)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    for count in counts.values():
        # The counter sees ours where there are some.
        assert count["load"]["ours"] > 100, count
        assert "libascendcl" in count["load"]["stack"]
    return counts


MODELS = {"convolutions": lambda: conv_model(1), "transformer": lambda: transformer_model(2), "one add": add_model}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_steady_executions_allocate_nothing_of_ours(make_model, counter, tmp_path, name, threads):
    file = tmp_path / "model.om"
    file.write_bytes(make_model(MODELS[name]()))
    count = _measure(counter, [file], threads)[str(file)]["steady"]
    assert count["ours"] == 0, count["stack"]


def test_steady_executions_of_all_gears_allocate_nothing_of_ours(make_model, counter, tmp_path):
    from test_gears import conv_net

    file = tmp_path / "model.om"
    file.write_bytes(make_model(conv_net(), "x:-1,3,12,10", "--dynamic_batch_size=1,2,4"))
    count = _measure(counter, [file], 2)[str(file)]["steady"]
    assert count["ours"] == 0, count["stack"]


def test_no_operator_allocates_in_a_steady_execution(make_model, counter, tmp_path):
    """One of ONNX's own test cases of each operator that the runtime computes."""
    files = {}
    for parameter in test_atc_operators._cases():
        model, inputs, _ = parameter.values
        operator = model.graph.node[0].op_type
        refused = any(re.match(pattern, parameter.id) for pattern in test_atc_operators.REFUSED)
        if operator in files or refused:
            continue
        files[operator] = tmp_path / f"{operator}.om"
        files[operator].write_bytes(make_model(test_atc_operators._freeze(model, inputs)))
    assert len(files) > 100
    counts = _measure(counter, files.values(), threads=2)
    assert {file: count["steady"]["stack"] for file, count in counts.items() if count["steady"]["ours"]} == {}
