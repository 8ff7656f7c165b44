# SPDX-License-Identifier: Apache-2.0
"""The wheel that `make wheel` writes: its tag is true, it names nothing of the machine that built it, and it runs where
there is nothing but Python."""

import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from model_support import add_model

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
# What PEP 600 lets a wheel take from any Linux of its age.
SYSTEM = {
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}
BARE = ROOT / ".cache" / "bare-bookworm"

# Nothing but Python: no numpy, no compiler, no environment of the project.
PROGRAM = """
import array, subprocess, sys
import acl, pyaclmdl
folder = sys.argv[1]
atc = ["--model=" + folder + "/add.onnx", "--framework=5", "--output=" + folder + "/add"]
subprocess.run([sys.executable, "-m", "pyaclmdl.atc", *atc], check=True, stdout=subprocess.DEVNULL)
assert acl.init() == 0 and acl.rt.set_device(0) == 0
model_id, ret = acl.mdl.load_from_file(folder + "/add.om")
assert ret == 0, acl.get_recent_err_msg()
a, b, y = (array.array("f", values) for values in ([1, 2, 3, 4], [10, 20, 30, 40], [0] * 4))
inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
for dataset, values in ((inputs, a), (inputs, b), (outputs, y)):
    acl.mdl.add_dataset_buffer(dataset, acl.create_data_buffer(values.buffer_info()[0], 16))
assert acl.mdl.execute(model_id, inputs, outputs) == 0, acl.get_recent_err_msg()
assert acl.mdl.unload(model_id) == 0 and acl.rt.reset_device(0) == 0 and acl.finalize() == 0
print(list(y), "numpy" in sys.modules)
"""
RESULT = "[11.0, 22.0, 33.0, 44.0] False\n"


@pytest.fixture(scope="module")
def wheel():
    found = list((ROOT / "dist").glob("pyaclmdl-*.whl"))
    assert len(found) == 1, "run `make wheel`"
    return found[0]


@pytest.fixture(scope="module")
def binaries(wheel, tmp_path_factory):
    """Name -> path of every binary in the wheel."""
    if not shutil.which("readelf"):
        pytest.fail("readelf (binutils) is needed")
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    files = [path for path in folder.rglob("*") if path.is_file() and path.open("rb").read(4) == b"\x7fELF"]
    assert {path.name for path in files} == {"atc", "libascendcl.so", "_native.abi3.so"}
    return {path.name: path for path in files}


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def test_the_tag_is_true(wheel, binaries):
    match = re.search(r"-cp310-abi3-manylinux_2_(\d+)_(\w+)\.whl$", wheel.name)
    assert match and match[2] == os.uname().machine and int(match[1]) <= 34, wheel.name
    newest = 0
    for path in binaries.values():
        newest = max(newest, *(int(minor) for minor in re.findall(r"\bGLIBC_2\.(\d+)", readelf("-V", path))))
    assert newest == int(match[1])
    needed = {name: set(re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", path))) for name, path in binaries.items()}
    assert set().union(*needed.values()) <= SYSTEM
    with zipfile.ZipFile(wheel) as archive:
        (info,) = (name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
        assert f"Tag: cp310-abi3-manylinux_2_{match[1]}_{match[2]}\n" in archive.read(info).decode()


def test_libraries_are_looked_for_in_the_package_only(binaries):
    for name, path in binaries.items():
        found = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", readelf("-d", path))
        assert found == (["$ORIGIN"] if name in ("atc", "libascendcl.so") else []), name


def test_the_wheel_names_no_folder_of_this_machine(wheel, tmp_path):
    import repair_wheel

    assert repair_wheel.paths_of_this_machine(wheel) == []
    folders = [str(ROOT), str(Path.home()), sys.prefix]
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert not [folder for folder in folders if f"{folder}/".encode() in content], name
    # The check would find one.
    with zipfile.ZipFile(tmp_path / "leaky.whl", "w") as archive:
        archive.writestr("acl/file", f"\0{ROOT}/Sources/x.swift\0")
        archive.writestr("acl/other", f"/elsewhere{ROOT}/x")
    assert [leak.split(":")[0] for leak in repair_wheel.paths_of_this_machine(tmp_path / "leaky.whl")] == ["acl/file"]


def test_programs_and_libraries_may_be_executed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            if entry.filename.endswith("/RECORD"):
                continue  # the installer writes its own
            assert not mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), entry.filename
            if entry.filename == "acl/atc":
                assert mode & 0o777 == 0o755


def test_it_installs_into_an_empty_environment(wheel, tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    (tmp_path / "add.onnx").write_bytes(add_model(4).SerializeToString())
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel]
    subprocess.run(install, check=True, env=environment, capture_output=True)
    done = subprocess.run(
        [python, "-c", PROGRAM, tmp_path], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == (RESULT, "")
    (tmp_path / "net.onnx").write_bytes(add_model(4).SerializeToString())
    atc = [tmp_path / "venv/bin/atc", "--model=net.onnx", "--framework=5", "--output=net"]
    assert subprocess.run(atc, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def bare_machine():
    """The root of a Debian 12 with Python and nothing else."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("takes debootstrap, and root for it")
    if not (BARE / "usr/bin/python3").exists():
        shutil.rmtree(BARE, ignore_errors=True)
        BARE.mkdir(parents=True)
        command = ["debootstrap", "--variant=minbase", "--include=python3", "bookworm", BARE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        if done.returncode != 0:
            shutil.rmtree(BARE)
            pytest.skip(f"debootstrap could not make it: {done.stdout[-300:]}")
    return BARE


def test_it_runs_where_there_is_nothing_but_python(wheel, bare_machine):
    place = bare_machine / "opt" / "pyaclmdl"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, place], check=True)
    # pip keeps these, zipfile does not.
    (place / "acl/atc").chmod(0o755)
    (place / "add.onnx").write_bytes(add_model(4).SerializeToString())
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": "/opt/pyaclmdl"}
    # The dynamic loader asks /proc where a program lies.
    script = 'mount -t proc proc "$1/proc" && exec chroot "$1" python3 -c "$2" /opt/pyaclmdl'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", bare_machine, PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    shutil.rmtree(place)
    assert (done.stdout, done.stderr) == (RESULT, "")
