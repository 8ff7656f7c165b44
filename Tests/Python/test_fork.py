# SPDX-License-Identifier: Apache-2.0
"""Models in the children of a process that has only imported acl, as servers with worker processes do it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_support import assert_close, conv_model, expected_outputs, random_inputs

PROGRAM = """
import os, sys
import numpy as np
import acl
from model_support import must_load, must_unload, run_once

model, given, folder = sys.argv[1:]
model = open(model, "rb").read()
given = [np.load(given)]
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        import faulthandler
        faulthandler.dump_traceback_later(30, exit=True)
        assert acl.init() == 0 and acl.rt.set_device(0) == 0
        model_id = must_load(model)
        np.save(os.path.join(folder, f"output{number}"), run_once(model_id, given)[0])
        must_unload(model_id)
        assert acl.rt.reset_device(0) == 0 and acl.finalize() == 0
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_models_run_in_forked_children(make_model, tmp_path, monkeypatch, threads):
    model = conv_model(3, channels=32, size=48)
    given = random_inputs(model, 4)
    (tmp_path / "model.om").write_bytes(make_model(model))
    np.save(tmp_path / "given.npy", given[0])
    monkeypatch.setenv("PYACLMDL_NUM_THREADS", threads)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    command = [sys.executable, "-c", PROGRAM, tmp_path / "model.om", tmp_path / "given.npy", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.stdout == "[0, 0, 0]\n", done.stderr
    for number in range(3):
        assert_close([np.load(tmp_path / f"output{number}.npy")], expected_outputs(model, given))
