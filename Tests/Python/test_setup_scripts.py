# SPDX-License-Identifier: Apache-2.0
"""What a newcomer is told before anything is installed: versions, missing packages, no network, a moved checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
ORDINARY_PATH = "/usr/local/bin:/usr/bin:/bin"


def run(*command, **options):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False, **options
    )


def stub(folder, name, body):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def check(python, swift, path=ORDINARY_PATH):
    return run("bash", SCRIPTS / "system-packages.sh", python, swift, env={"PATH": path, "HOME": "/nonexistent"})


@pytest.fixture
def new_swift(tmp_path):
    return stub(tmp_path, "swift", 'echo "Swift version 6.3.1 (swift-6.3.1-RELEASE)"')


@pytest.mark.parametrize(
    "text", ["Swift version 6.3 (swift-6.3-RELEASE)", "Apple Swift version 6.10.2", "Swift version 7.0-dev (LLVM x)"]
)
def test_a_swift_that_is_new_enough_is_taken(tmp_path, text):
    done = check(sys.executable, stub(tmp_path, "swift", f'echo "{text}"; echo "Target: x86_64"'))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('echo "Swift version 5.10.1 (swift-5.10.1-RELEASE)"', "is Swift 5.10,"),
        ('echo "Swift version 6.2 (swift-6.2-RELEASE)"', "is Swift 6.2,"),
        ("echo gone >&2; exit 127", "does not start, and Swift 6.3 or newer is needed"),
        ('echo "hello"', "does not tell its version"),
    ],
)
def test_another_swift_gets_a_sentence_and_where_to_get_it(tmp_path, body, words):
    done = check(sys.executable, stub(tmp_path, "swift", body))
    assert done.returncode == 1
    assert words in done.stderr and "6.3 or newer" in done.stderr and "https://www.swift.org/install" in done.stderr


def test_a_swift_whose_package_manager_does_not_start_gets_a_sentence(tmp_path):
    lacking = "swift-build: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    body = f'test "$1" = build && {{ echo "{lacking}" >&2; exit 127; }}; echo "Swift version 6.3.1"'
    done = check(sys.executable, stub(tmp_path, "swift", body))
    assert done.returncode == 1
    assert "does not start" in done.stderr and "libcurl.so.4" in done.stderr and "swift.org" in done.stderr


def test_a_swift_without_its_libraries_gets_them(tmp_path):
    """They are installed, or named where that is not allowed; then Swift is looked at again."""
    there = tmp_path / "there"
    lacking = "swift: error while loading shared libraries: libncurses.so.6: cannot open shared object file"
    swift = stub(
        tmp_path, "swift", f'test -e {there} || {{ echo "{lacking}" >&2; exit 127; }}; echo "Swift version 5.9"'
    )
    stub(tmp_path, "ldconfig", "true")
    stub(tmp_path, "sudo", "exit 1")
    stub(tmp_path, "apt-get", f'echo "apt-get $@"; touch {there}')
    done = check(sys.executable, swift, f"{tmp_path}:{ORDINARY_PATH}")
    packages = "libcurl4 libncurses6 libsqlite3-0 libxml2"
    assert done.returncode == 1
    if os.getuid() == 0:
        assert f"apt-get install -y -qq --no-install-recommends {packages}" in done.stdout
        assert "is Swift 5.9, and 6.3 or newer is needed" in done.stderr
    else:
        assert f"Please run as root:\n    apt-get install {packages}" in done.stderr


def test_no_swift_gets_a_sentence(tmp_path):
    done = check(sys.executable, tmp_path / "none")
    assert done.returncode == 1 and "There is no Swift at" in done.stderr and "swift.org" in done.stderr


def test_an_old_python_gets_a_sentence_before_anything_else(tmp_path, new_swift):
    python = stub(tmp_path, "python3", 'case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac')
    done = check(python, new_swift)
    assert done.returncode == 1
    assert "is Python 3.9, and 3.11 or newer is needed" in done.stderr and "python.org" in done.stderr
    assert "apt-get update" not in done.stdout


def test_a_python_that_does_not_start_gets_a_sentence(tmp_path, new_swift):
    done = check(stub(tmp_path, "python3", "exit 1"), new_swift)
    assert done.returncode == 1 and "does not start" in done.stderr


def test_an_installed_library_is_found_without_sbin_on_the_path(new_swift):
    """`ldconfig` lies in /sbin, which ordinary users of Debian do not have there."""
    assert not shutil.which("ldconfig", path=ORDINARY_PATH) or Path("/bin").is_symlink()
    done = check(sys.executable, new_swift)
    assert done.returncode == 0, done.stderr


def pip_install(tmp_path, requirements):
    (tmp_path / "requirements.txt").write_text(requirements)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    # Nobody listens on this port.
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    command = ["bash", SCRIPTS / "pip-install.sh", sys.executable, tmp_path / "requirements.txt"]
    return run(*command, env=environment | offline)


def test_without_a_network_there_is_a_sentence(tmp_path):
    done = pip_install(tmp_path, "pyaclmdl-does-not-exist==1\n")
    assert done.returncode == 1
    assert "pip cannot reach its package index" in done.stderr and "PIP_INDEX_URL" in done.stderr
    assert len(done.stderr.splitlines()) <= 4, done.stderr


def test_other_failures_of_pip_are_shown_as_they_are(tmp_path):
    done = pip_install(tmp_path, "this is no requirement\n")
    assert done.returncode == 1
    assert "Invalid requirement" in done.stderr and "cannot reach" not in done.stderr


@pytest.fixture
def checkout(tmp_path):
    """A copy of the chores, set up in a folder that `place` names."""
    for name in ("Makefile", "scripts", "requirements"):
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / name)
    (tmp_path / ".venv/stamps").mkdir(parents=True)
    return tmp_path


def make(folder, *goals):
    return run("make", "--no-print-directory", "-n", *goals, cwd=folder)


def test_a_moved_checkout_gets_a_sentence(checkout):
    (checkout / ".venv/stamps/place").write_text("/somewhere/else\n")
    done = make(checkout, "demo")
    assert done.returncode == 2
    assert "was set up in /somewhere/else and lies in" in done.stderr and "make clean" in done.stderr
    assert make(checkout, "clean").returncode == 0
    assert make(checkout).returncode == 0


def test_a_checkout_in_its_place_is_taken(checkout):
    (checkout / ".venv/stamps/place").write_text(f"{checkout.resolve()}\n")
    done = make(checkout, "setup")
    assert "was set up in" not in done.stderr
