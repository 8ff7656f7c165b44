# SPDX-License-Identifier: Apache-2.0
"""Files that atc and dumps write: never through links, never half, and nothing remains of a run that fails."""

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import acl
from dump_support import write_config
from model_support import Runner, dense_model, message, must_load, must_unload, random_inputs
from test_atc import FAILURE, SUCCESS
from test_dump import dumping

HERE = Path(__file__).parent
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU]


@pytest.fixture(scope="module")
def fault(tmp_path_factory):
    """A library to preload that lets a write fail."""
    if not shutil.which("gcc"):
        pytest.fail("gcc is needed")
    library = tmp_path_factory.mktemp("fault") / "fault.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wno-unused-result", HERE / "write_fault.c", "-o", library]
    subprocess.run([str(part) for part in command], check=True)
    return library


@pytest.fixture
def convert(atc_path, tmp_path):
    """convert(*options, output=…, environment=…) -> the finished conversion of a model with large weights."""
    source = tmp_path / "net.onnx"
    source.write_bytes(dense_model(3, inner=200).SerializeToString())

    def run(*options, output="out/net", environment=None, **popen):
        command = [atc_path, f"--model={source}", "--framework=5", f"--output={tmp_path / output}", *options]
        env = os.environ | {name: str(value) for name, value in (environment or {}).items()}
        return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, check=False, **popen)

    return run


def contents(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def failure(done):
    assert done.returncode == 255, (done.returncode, done.stdout, done.stderr)
    lines = done.stdout.splitlines()
    return lines[lines.index(FAILURE) + 1]


# --- atc: what lies in the way ---


def test_a_link_in_the_place_of_the_model_is_replaced_itself(convert, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/net.om").symlink_to(victim)
    assert convert().stdout.endswith(f"{SUCCESS}\n")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "out/net.om").is_symlink()
    assert (tmp_path / "out/net.om").read_bytes()[:4] == b"IMOD"
    assert contents(tmp_path / "out") == ["net.om"]


def test_links_under_names_that_can_be_guessed_are_not_touched(convert, tmp_path):
    """Process ids are handed out in order: another user could lay links for those to come."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out").mkdir()
    for pid in range(os.getpid(), os.getpid() + 400):
        (tmp_path / f"out/net.om.{pid}.tmp").symlink_to(victim)
    assert convert().returncode == 0
    assert victim.read_text() == "precious"


def test_temporary_names_are_in_the_folder_and_unpredictable(convert, fault, tmp_path):
    log = tmp_path / "log"
    for _ in range(2):
        environment = {"LD_PRELOAD": fault, "FAULT_LOG": log}
        assert convert("--external_weight=1", environment=environment).returncode == 0
    names = [Path(line) for line in log.read_text().splitlines()]
    assert len(set(names)) == len(names) == 6, "two weights and the model, twice"
    for name in names:
        assert name.parent in (tmp_path / "out", tmp_path / "out/weight")
        assert re.fullmatch(r"\.[0-9a-f]{8,16}-[0-9a-f]{8,16}\.tmp", name.name), name
    assert [name for name in contents(tmp_path / "out") if name.endswith("tmp")] == []


def test_a_folder_in_the_place_of_the_model(convert, tmp_path):
    (tmp_path / "out/net.om").mkdir(parents=True)
    error = failure(convert("--external_weight=1"))
    assert error.startswith("E13004: ") and "out/net.om" in error
    assert contents(tmp_path / "out") == ["net.om"]


def test_weights_are_not_written_through_a_link(convert, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/weight").symlink_to(elsewhere)
    done = convert("--external_weight=1")
    assert failure(done).startswith("E13001: ") and "PYACLMDL_WEIGHT_LINKS" in done.stdout
    assert contents(elsewhere) == [] and contents(tmp_path / "out") == ["weight"]
    assert convert("--external_weight=1", environment={"PYACLMDL_WEIGHT_LINKS": "follow"}).returncode == 0
    assert len(contents(elsewhere)) == 2


def test_a_name_of_the_longest_kind(convert, tmp_path):
    name = "n" * 252
    assert convert(output=f"out/{name}").returncode == 0
    assert contents(tmp_path / "out") == [f"{name}.om"]


# --- atc: failures and signals ---


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_write_that_fails_leaves_nothing(convert, fault, tmp_path, number, write):
    (tmp_path / "there").mkdir()
    environment = {"LD_PRELOAD": fault, "FAULT_AT": write, "FAULT_ERRNO": number}
    error = failure(convert("--external_weight=1", output="there/new/net", environment=environment))
    assert error.startswith("E13004: ") and os.strerror(number) in error
    assert contents(tmp_path / "there") == []


def test_a_file_beyond_the_limit_of_the_process(convert, tmp_path):
    (tmp_path / "out").mkdir()
    done = convert(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)))
    error = failure(done)
    assert error.startswith("E13004: ") and os.strerror(errno.EFBIG) in error
    assert contents(tmp_path / "out") == []


@pytest.mark.parametrize("write", [1, 3])
@pytest.mark.parametrize("number", SIGNALS)
def test_signals_leave_nothing(convert, fault, tmp_path, number, write):
    (tmp_path / "there").mkdir()
    environment = {"LD_PRELOAD": fault, "FAULT_AT": write, "FAULT_SIGNAL": int(number)}

    def prepare():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Whoever started the tests may have it ignored, as nohup does, and atc then leaves it so.
        signal.signal(number, signal.SIG_DFL)

    done = convert("--external_weight=1", output="there/new/net", environment=environment, preexec_fn=prepare)
    assert done.returncode == -number, "the program ends as the signal does"
    assert contents(tmp_path / "there") == []


def test_earlier_files_survive_a_signal(convert, fault, tmp_path):
    assert convert("--external_weight=1").returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    environment = {"LD_PRELOAD": fault, "FAULT_AT": 2, "FAULT_SIGNAL": int(signal.SIGTERM)}
    assert convert("--external_weight=1", environment=environment).returncode == -signal.SIGTERM
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_an_ignored_signal_stays_ignored(convert, fault, tmp_path):
    environment = {"LD_PRELOAD": fault, "FAULT_AT": 1, "FAULT_SIGNAL": int(signal.SIGHUP), "FAULT_GOES_ON": 1}
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    assert convert(environment=environment, **ignoring).returncode == 0
    assert contents(tmp_path / "out") == ["net.om"]


# --- Dumps ---


@pytest.mark.usefixtures("device")
def test_dumps_do_not_follow_links(make_model, tmp_path):
    config, out = write_config(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    model = dense_model(17)
    # The folder is named by the second in which the dump is set.
    now = int(time.time())
    for second in range(now, now + 300):
        (Path(out) / time.strftime("%Y%m%d%H%M%S", time.localtime(second))).symlink_to(elsewhere)
    with dumping(config):
        model_id = must_load(make_model(model))
        with Runner(model_id, random_inputs(model, 17)) as runner:
            assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 100004
            assert "symbolic link" in message()
        must_unload(model_id)
    assert contents(elsewhere) == []


@pytest.mark.usefixtures("device")
def test_a_pipe_in_the_place_of_the_table_of_names_does_not_block(make_model, tmp_path):
    config, out = write_config(tmp_path)
    model = dense_model(13)
    model.graph.node[3].name = "n" * 300
    with dumping(config):
        model_id = must_load(make_model(model))
        with Runner(model_id, random_inputs(model, 13)) as runner:
            runner.run()
            (first,) = Path(out).rglob("mapping.csv")
            second = first.parent.with_name("1")
            second.mkdir()
            os.mkfifo(second / "mapping.csv")
            assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 100004
            assert "EH0004" in message()
        must_unload(model_id)


@pytest.mark.usefixtures("device")
def test_names_of_dumps_hold_nothing_that_steers_a_terminal(make_model, tmp_path):
    config, out = write_config(tmp_path)
    model = dense_model(13)
    model.graph.node[3].name = "a\x1b[31mb\rc\x7fd\u202ee\u2028f"
    model.graph.name = "g\x07h"
    with dumping(config):
        model_id = must_load(make_model(model))
        with Runner(model_id, random_inputs(model, 13)) as runner:
            runner.run()
        must_unload(model_id)
    names = "".join(contents(Path(out)))
    assert "a_[31mb_c_d_e_f" in names
    assert names.isprintable()


LIMITED = """
import resource, signal, sys
sys.path.insert(0, sys.argv[3])
import acl, numpy as np
from model_support import Runner, message, must_load
assert acl.init(sys.argv[1]) == 0 and acl.rt.set_device(0) == 0
model_id = must_load(open(sys.argv[2], "rb").read())
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
with Runner(model_id, [np.ones((2, 24), np.float32)]) as runner:
    assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 100004
    assert "File too large" in message()
memory, ret = acl.rt.malloc(1 << 20, 0)
assert ret == 0
print(acl.rt.ipc_mem_get_export_key(memory, 1 << 20, 65, 0)[1])
"""


def test_a_dump_beyond_the_limit_of_the_process_is_an_error_and_leaves_nothing(make_model, tmp_path):
    config, out = write_config(tmp_path)
    model = tmp_path / "model.om"
    model.write_bytes(make_model(dense_model(19)))
    command = [sys.executable, "-c", LIMITED, config, str(model), str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "207001\n", "shared memory is a file, too"
    assert [path for path in Path(out).rglob("*") if path.is_file()] == []


def test_the_signal_of_the_limit_is_as_the_program_left_it(tmp_path):
    """Only the library's own writes are kept from it."""
    program = (
        "import acl, resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "memory, ret = acl.rt.malloc(1 << 20, 0) if acl.rt.set_device(0) == 0 else (0, 1)\n"
        "acl.rt.ipc_mem_get_export_key(memory, 1 << 20, 65, 0)\n"
        "open('file', 'wb').write(bytes(100))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == -signal.SIGXFSZ
