# SPDX-License-Identifier: Apache-2.0
"""Ray finds the simulated host's NPUs and pins actors to them, without knowing of this project."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from model_support import assert_close, dense_model, expected_outputs, random_inputs

HERE = Path(__file__).parent
MARK = "PYACLMDL_TEST_RUN"


def _marked(mark):
    """Ids of the living processes whose environment holds the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            continue
    return found


@pytest.fixture
def ray_environment():
    """Ray on the loopback alone, its files in a folder with a short name (its sockets' names have to fit in 107 bytes);
    what it leaves running is ended."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        environment = os.environ | {
            MARK: mark,
            "HOME": folder,
            "PYTHONPATH": str(HERE),
            "PYACLMDL_DEVICE_COUNT": "5",
            "PYACLMDL_SOC_NAME": "Ascend910B3",
            "PYACLMDL_NUM_THREADS": "1",
            # Without support for clusters Ray's node is 127.0.0.1, and its servers listen there only.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        environment.pop("ASCEND_RT_VISIBLE_DEVICES", None)
        yield environment
        deadline = time.monotonic() + 20
        while (left := _marked(mark)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    assert left == []


def test_two_actors_run_models_on_two_of_five_npus(make_model, ray_environment, tmp_path):
    model = dense_model(7)
    source = tmp_path / "model.om"
    source.write_bytes(make_model(model))
    files, expected = [], []
    for seed in (1, 2):
        inputs = random_inputs(model, seed)
        expected.append(expected_outputs(model, inputs))
        files.append(tmp_path / f"{seed}.npy")
        np.save(files[-1], inputs[0])
    command = [sys.executable, HERE / "ray_worker.py", ray_environment["HOME"], source, *files]
    done = subprocess.run(command, env=ray_environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])

    assert answer["resources"]["NPU"] == 5
    assert answer["resources"]["accelerator_type:Ascend910B3"] == 1
    assert answer["nodes"] == ["127.0.0.1"]
    first, second = answer["where"]
    assert first["pid"] != second["pid"]
    assert len({first["visible"], second["visible"]}) == 2
    for one in answer["where"]:
        # The one visible device is number 0 to the program; there is no other.
        assert one["count"] == 1
        assert str(one["device"]) == one["visible"]
        assert one["second"] == 107001
        assert one["soc"] == "Ascend910B3"
    for result, wanted in zip(answer["results"], expected, strict=True):
        assert_close([np.array(result, np.float32)], wanted)
    assert answer["closed"] == [[0, 0, 0], [0, 0, 0]]
