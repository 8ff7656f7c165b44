# SPDX-License-Identifier: Apache-2.0
"""Random calls from eight threads: whatever handles and sizes they get, the process goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = int(os.environ.get("PYACLMDL_STRESS_CALLS", "1000"))


@pytest.mark.parametrize("seed", [1, 2])
def test_random_calls_end_neither_in_a_crash_nor_in_a_deadlock(seed):
    command = [sys.executable, str(Path(__file__).parent / "stress_worker.py"), "8", str(CALLS), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, f"{8 * CALLS}\n"), done.stderr[-4000:]
