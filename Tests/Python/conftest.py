# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by the tests: models converted by atc, and an initialised device."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def atc_path():
    """The atc executable: $PYACLMDL_ATC, else the one beside the running Python, else the one on PATH."""
    beside = Path(sys.executable).with_name("atc")
    found = os.environ.get("PYACLMDL_ATC") or (str(beside) if beside.exists() else shutil.which("atc"))
    if not found:
        pytest.fail("atc is neither in $PYACLMDL_ATC nor beside Python nor on PATH: run `make setup`")
    return found


@pytest.fixture(scope="session")
def make_model(atc_path, tmp_path_factory):
    """make_model(onnx_model, input_shape=None, *options) -> bytes of the .om that atc makes of it."""
    folder = tmp_path_factory.mktemp("models")
    cache = {}

    def make(onnx_model, input_shape=None, *options):
        data = onnx_model if isinstance(onnx_model, bytes) else onnx_model.SerializeToString()
        key = hashlib.sha256(data + repr((input_shape, options)).encode()).hexdigest()
        if key not in cache:
            source = folder / f"{key}.onnx"
            source.write_bytes(data)
            command = [atc_path, f"--model={source}", "--framework=5", f"--output={folder / key}", *options]
            if input_shape:
                command.append(f"--input_shape={input_shape}")
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
            cache[key] = (folder / f"{key}.om").read_bytes()
        return cache[key]

    return make


@pytest.fixture
def device():
    """The acl module, initialised, with device 0 current in this thread."""
    import acl

    assert acl.init() in (0, 100002)
    assert acl.rt.set_device(0) == 0
    acl.get_recent_err_msg()  # a repeated init leaves one
    yield acl
    acl.rt.set_device(0)
    assert acl.rt.reset_device(0) == 0
