# SPDX-License-Identifier: Apache-2.0
"""Settings: one table for the code and the README; what cannot be read or is unknown is said once."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "Sources/Settings/Settings.swift"
SETTING = re.compile(r'"((?:PYACLMDL|ASCEND)_[A-Z_]+|SWIFT)"')
WARNING = re.compile(r"^(?:pyaclmdl|atc): (.*)$", re.MULTILINE)

# A program that reads its settings at once, and tells how many devices there are.
COUNT = "import acl; acl.init(); acl.init(); print(acl.rt.get_device_count()[0]); acl.finalize()"


def plain_environment(**settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYACLMDL_", "ASCEND_"))}
    return kept | settings


def warnings_of(program, *arguments, **settings):
    """The lines on standard error of a Python program, and what it printed."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, env=plain_environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = WARNING.findall(done.stderr)
    assert len(lines) == len(done.stderr.splitlines()), done.stderr
    return lines, done.stdout


def names_in_the_readme():
    text = (ROOT / "README.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def names_in_the_table():
    return set(SETTING.findall(TABLE.read_text()))


def test_the_readme_has_the_table():
    assert names_in_the_readme() == names_in_the_table()


def test_the_defaults_of_the_readme_are_those_of_the_table():
    shown = dict(re.findall(r"^\| `([A-Z_]+)` \| .* \| ([^|]+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE))
    stated = re.findall(r'Setting<.*?>\(\s*"([A-Z_]+)", "[^"]*", default: .*?, "([^"]*)"[,)\n]', TABLE.read_text())
    assert len(stated) == len(re.findall("= Setting<", TABLE.read_text()))
    for name, default in stated:
        assert shown[name].strip("`") == default, name


def test_nothing_else_is_read_from_the_environment():
    patterns = [
        r'getenv\("([A-Z_]+)"\)',
        r'environ(?:\.get\(|\[|\.pop\()"([A-Z_]+)"',
        r'environment(?:\.get\(|\[)"([A-Z_]+)"',
        r'"(PYACLMDL_[A-Z_]+)" in os\.environ',
        r"\$\{?(PYACLMDL_[A-Z_]+)",
    ]
    found = {}
    places = [
        "Sources",
        "python",
        "scripts",
        "examples",
        "Tests",
        "Benchmarks",
        "setup.py",
        "Package.swift",
        "Makefile",
    ]
    for place in places:
        path = ROOT / place
        files = [path] if path.is_file() else path.rglob("*")
        for file in files:
            if file.suffix not in (".swift", ".c", ".h", ".py", ".sh", ""):
                continue
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            for pattern in patterns:
                for name in re.findall(pattern, file.read_text(errors="replace")):
                    found.setdefault(name, file.relative_to(ROOT))
    of_the_system = {"PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV"}
    unknown = {name: str(file) for name, file in found.items() if name not in names_in_the_table() | of_the_system}
    # Those of programs that only tests run.
    unknown = {name: file for name, file in unknown.items() if not file.startswith("Tests/") or "PYACLMDL" in name}
    assert unknown == {}
    getenv = [path for path in (ROOT / "Sources").rglob("*.swift") if "getenv(" in path.read_text()]
    assert getenv == [TABLE]


def test_settings_that_can_be_read_are_not_mentioned():
    good = {
        "PYACLMDL_NUM_THREADS": "2",
        "PYACLMDL_DEVICE_COUNT": "3",
        "PYACLMDL_DEVICE_MEMORY": "32G",
        "PYACLMDL_SOC_NAME": "Ascend910B3",
        "PYACLMDL_RUN_MODE": "host",
        "PYACLMDL_CANN_VERSION": "8.3.0.rc1",
        "PYACLMDL_WEIGHT_LINKS": "refuse",
        "PYACLMDL_BUILD_PATH": "/tmp/build",
        "ASCEND_GLOBAL_LOG_LEVEL": "1",
        "ASCEND_HOME_PATH": "",
    }
    assert warnings_of(COUNT, **good) == ([], "3\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYACLMDL_DEVICE_COUNT", "two"),
        ("PYACLMDL_DEVICE_COUNT", "1025"),
        ("PYACLMDL_NUM_THREADS", ""),
        ("PYACLMDL_NUM_THREADS", "0"),
        ("PYACLMDL_DEVICE_MEMORY", "64GB"),
        ("PYACLMDL_SOC_NAME", ""),
        ("PYACLMDL_RUN_MODE", "Device"),
        ("PYACLMDL_CANN_VERSION", "8"),
        ("PYACLMDL_WEIGHT_LINKS", "yes"),
        ("PYACLMDL_LIBRARY", ""),
        ("ASCEND_GLOBAL_LOG_LEVEL", "debug"),
    ],
)
def test_a_setting_that_cannot_be_read_is_said_once(name, value):
    (line,), printed = warnings_of(COUNT, **{name: value})
    assert line.startswith(f"{name}={value} cannot be read. Expected: "), line
    assert "Used instead: " in line
    assert printed == "1\n", "the default holds"


def test_an_unknown_setting_is_said_once_with_the_closest_name():
    (line,), _ = warnings_of(COUNT, PYACLMDL_DEVICES="2")
    assert line.startswith("PYACLMDL_DEVICES is not a setting") and line.endswith("PYACLMDL_DEVICE_COUNT.")
    lines, _ = warnings_of(COUNT, PYACLMDL_NUM_THREAD="2", PYACLMDL_LOG="1", OTHER="1")
    assert len(lines) == 2


def test_forked_children_do_not_repeat_it():
    program = "import os, acl; acl.init(); pid = os.fork(); acl.rt.set_device(0); pid and os.waitpid(pid, 0)"
    lines, _ = warnings_of(program, PYACLMDL_DEVICE_COUNT="two")
    assert len(lines) == 1


def test_a_load_takes_the_threads_that_can_be_used(make_model, tmp_path):
    from model_support import add_model

    (tmp_path / "add.om").write_bytes(make_model(add_model()))
    program = "import acl, sys; acl.init(); acl.rt.set_device(0); print(acl.mdl.load_from_file(sys.argv[1])[1])"
    lines, printed = warnings_of(program, tmp_path / "add.om", PYACLMDL_NUM_THREADS="many")
    assert len(lines) == 1 and printed == "0\n"


def test_atc_says_it_too(atc_path):
    environment = plain_environment(PYACLMDL_WEIGHT_LINKS="no", PYACLMDL_ATX="x")
    done = subprocess.run(
        [atc_path, "--help"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    first, second = WARNING.findall(done.stderr)
    assert first.startswith("PYACLMDL_WEIGHT_LINKS=no cannot be read") and second.endswith("PYACLMDL_ATC.")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, ["PYACLMDL_DEVICE_COUNT", "0 to 0"]),
        ({"PYACLMDL_DEVICE_COUNT": "4"}, ["PYACLMDL_DEVICE_COUNT", "0 to 3"]),
        ({"PYACLMDL_DEVICE_COUNT": "4", "ASCEND_RT_VISIBLE_DEVICES": "1,2"}, ["ASCEND_RT_VISIBLE_DEVICES is 1,2"]),
        ({"PYACLMDL_DEVICE_COUNT": "0"}, ["PYACLMDL_DEVICE_COUNT", "there is none"]),
    ],
)
def test_a_device_that_is_not_there_names_the_setting(settings, words):
    program = "import acl; print(acl.rt.set_device(9)); print(acl.get_recent_err_msg())"
    lines, printed = warnings_of(program, **settings)
    assert lines == [] and printed.startswith("107001\n")
    assert all(word in printed for word in words), printed


# --- acl.json ---


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, []),
        ({"err_msg_mode": "1"}, []),
        ({"profiler": {"switch": "on", "output": "/tmp/x"}}, ['"profiler" .*nothing will be written']),
        ({"profiler": {}}, ['"profiler" .*nothing will be written']),
        ({"profiler": {"switch": "off"}}, []),
        (
            {"max_opqueue_num": "5", "acl_graph": {"event_mode": "1"}},
            ['"acl_graph" has no', '"max_opqueue_num" has no'],
        ),
        ({"StackSize": {"aicore_stack_size": 32768}}, ['"StackSize" has no effect']),
        ({"dmup": {}}, ['"dmup" is not known.*"dump"']),
        ({"dump": {"dump_path": "."}}, ['no "dump_list"']),
        ({"dump": {"dump_path": ".", "dump_list": [{}], "dump_mod": "all"}}, ['"dump_mod" in "dump".*"dump_mode"']),
        (
            {"dump": {"dump_path": ".", "dump_list": [{"model": "x"}], "dump_op_switch": "on"}},
            ['"model" in "dump_list".*"model_name"', '"dump_op_switch" has no effect'],
        ),
        ({"dump": {"dump_scene": "lite_exception"}}, ['"dump_scene" .*nothing will be written']),
    ],
)
def test_what_a_configuration_asks_for_in_vain_is_said(content, expected, tmp_path):
    config = tmp_path / "acl.json"
    config.write_text(json.dumps(content))
    program = "import acl, sys; assert acl.init(sys.argv[1]) == 0, acl.get_recent_err_msg(); acl.finalize()"
    lines, _ = warnings_of(program, config)
    assert len(lines) == len(expected), lines
    for line, pattern in zip(lines, expected, strict=True):
        assert line.startswith(f"The configuration {config}: ") and re.search(pattern, line), line


def test_set_dump_says_it_too(tmp_path):
    config = tmp_path / "acl.json"
    config.write_text(json.dumps({"dump": {"dump_path": str(tmp_path)}}))
    program = "import acl, sys; acl.init(); acl.mdl.init_dump(); print([acl.mdl.set_dump(sys.argv[1]) for _ in '12'])"
    lines, printed = warnings_of(program, config)
    assert printed == "[0, 0]\n" and len(lines) == 1, "once, however often it is set"
