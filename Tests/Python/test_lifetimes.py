# SPDX-License-Identifier: Apache-2.0
"""Everything is made, used, and destroyed: in any order, again after a re-initialisation, and in forked children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import acl
from model_support import conv_model, dense_model, random_inputs

HERE = Path(__file__).parent

# What is made, and how it is given up; most depend on others that may be gone by then.
PROGRAM = """
import random, sys
import numpy as np
import acl
from model_support import Runner, must_load
model, order = open(sys.argv[1], "rb").read(), random.Random(int(sys.argv[2]))
acl.init(); acl.rt.set_device(0)
context, _ = acl.rt.create_context(0)
stream, _ = acl.rt.create_stream()
event, _ = acl.rt.create_event()
notify, _ = acl.rt.create_notify(0)
memory, _ = acl.rt.malloc(1 << 20, 0)
pinned, _ = acl.rt.malloc_host(1 << 20)
identifier = must_load(model)
runner = Runner(identifier, [np.ones((2, 24), np.float32)])
runner.enqueue(stream)
desc = acl.mdl.create_desc()
acl.mdl.get_desc(desc, identifier)
tensor = acl.create_tensor_desc(0, [2, 3], 2)
acl.rt.record_event(event, stream)
acl.rt.memcpy_async(memory, 1 << 20, pinned, 1 << 20, 1, stream)
ends = [
    lambda: acl.rt.destroy_context(context), lambda: acl.rt.destroy_stream(stream),
    lambda: acl.rt.destroy_event(event), lambda: acl.rt.destroy_notify(notify), lambda: acl.rt.free(memory),
    lambda: acl.rt.free_host(pinned), lambda: acl.mdl.unload(identifier),
    lambda: acl.mdl.destroy_dataset(runner.input_set), lambda: acl.mdl.destroy_dataset(runner.output_set),
    lambda: [acl.destroy_data_buffer(buffer) for buffer in runner._input_buffers + runner._output_buffers],
    lambda: acl.mdl.destroy_desc(desc), lambda: acl.destroy_tensor_desc(tensor), lambda: acl.rt.reset_device(0),
    acl.finalize,
]
order.shuffle(ends)
for end in ends:
    end()
for end in ends:
    end()
print("done")
"""


@pytest.fixture(scope="module")
def dense(make_model, tmp_path_factory):
    model = dense_model(5)
    file = tmp_path_factory.mktemp("lifetimes") / "dense.om"
    file.write_bytes(make_model(model))
    return model, file


@pytest.mark.parametrize("seed", range(12))
def test_destroying_in_any_order_and_twice(dense, seed):
    command = [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(dense[1]), str(seed)]
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_destroyed_objects_are_refused_afterwards(device):
    stream, _ = acl.rt.create_stream()
    event, _ = acl.rt.create_event()
    for destroy, handle in ((acl.rt.destroy_stream, stream), (acl.rt.destroy_event, event)):
        assert destroy(handle) == 0
        assert destroy(handle) != 0
        assert "destroyed" in acl.get_recent_err_msg()


CYCLE = """
import sys
import numpy as np
import acl
from model_support import Runner, must_load, must_unload
model = open(sys.argv[1], "rb").read()
given = np.linspace(-1, 1, 48, dtype=np.float32).reshape(2, 24)
first, sizes = None, []
for cycle in range(60):
    assert acl.init() == 0 and acl.rt.set_device(0) == 0
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    memory, ret = acl.rt.malloc(1 << 20, 0)
    assert ret == 0 and acl.rt.memset_async(memory, 1 << 20, 1, 1 << 20, stream) == 0
    for asynchronous in (False, True):
        identifier = must_load(model)
        with Runner(identifier, [given]) as runner:
            if asynchronous:
                runner.enqueue(stream)
                assert acl.rt.synchronize_stream(stream) == 0
            else:
                runner.run()
            result = runner.outputs[0].copy()
        must_unload(identifier)
        first = result if first is None else first
        assert np.array_equal(result, first)
    assert acl.rt.destroy_stream(stream) == 0 and acl.rt.free(memory) == 0
    # Every other cycle leaves the device to finalize.
    assert cycle % 2 or acl.rt.reset_device(0) == 0
    assert acl.finalize() == 0
    sizes.append(int(open("/proc/self/statm").read().split()[1]) * 4096)
print(sizes[19], sizes[-1])
"""


def test_everything_again_after_finalize(dense):
    """Sixty times; memory stays where it is after the first twenty."""
    command = [sys.executable, "-X", "faulthandler", "-c", CYCLE, str(dense[1])]
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    early, late = map(int, done.stdout.split())
    assert late - early < 2 << 20, (early, late)


def test_children_execute_models_whatever_the_parent_did(make_model, tmp_path):
    """The parent has executed on two threads, whose pool does not exist in the children."""
    program = """
import os, sys
import numpy as np
import acl
from model_support import Runner, must_load, must_unload
model = open(sys.argv[1], "rb").read()
given = np.load(sys.argv[2])
acl.init(); acl.rt.set_device(0)
kept = must_load(model)
with Runner(kept, [given]) as runner:
    expected = runner.run()[0]
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        import faulthandler
        faulthandler.dump_traceback_later(30, exit=True)
        acl.init(); acl.rt.set_device(0)
        same = []
        for identifier in (kept, must_load(model)):
            with Runner(identifier, [given]) as runner:
                same.append(np.array_equal(runner.run()[0], expected))
        os._exit(0 if all(same) else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
with Runner(kept, [given]) as runner:
    assert np.array_equal(runner.run()[0], expected)
must_unload(kept)
"""
    model = conv_model(3)
    file, array = tmp_path / "conv.om", tmp_path / "input.npy"
    file.write_bytes(make_model(model))
    np.save(array, random_inputs(model, 3)[0])
    command = [sys.executable, "-c", program, str(file), str(array)]
    environment = os.environ | {"PYTHONPATH": str(HERE), "PYACLMDL_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "[0, 0, 0]\n"), done.stderr
