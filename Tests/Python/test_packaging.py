# SPDX-License-Identifier: Apache-2.0
"""The installed wheel: what it contains, that it needs nothing but system libraries, atc, and the CANN-like prefix."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import acl

PACKAGE = Path(acl.__file__).parent
LIBRARY = PACKAGE / "libascendcl.so"
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="acl is not installed from the wheel")
LINKED_NAMES = ["ascendcl", "acl_rt", "acl_mdl", "acl_cblas", "acl_dvpp", "nnopbase"]
SYSTEM_LIBRARIES = {
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libutil.so.1",
}


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)


def dynamic_entries(path: Path, kind: str) -> list[str]:
    if not shutil.which("readelf"):
        pytest.skip("readelf is not installed")
    shown = run("readelf", "-dW", path)
    assert shown.returncode == 0, shown.stderr
    return re.findall(rf"\({kind}\).*\[(.*)\]", shown.stdout)


def test_the_wheel_is_for_all_pythons_since_3_10():
    distribution = metadata.distribution("pyaclmdl")
    assert re.search(r"Tag: cp310-abi3-manylinux_2_\d+_\w+", distribution.read_text("WHEEL") or "")
    assert list(PACKAGE.glob("_native*.so")) == [PACKAGE / "_native.abi3.so"]
    names = {Path(str(file)).name for file in distribution.files or ()}
    assert {
        "LICENSE",
        "NOTICE",
        "THIRD-PARTY-NOTICES",
        "acl_mdl.h",
        "py.typed",
        "rt.pyi",
        "atc",
    } <= names


def test_the_extension_uses_the_limited_api_only():
    if not shutil.which("nm"):
        pytest.skip("nm is not installed")
    exported = run("nm", "-D", "--defined-only", PACKAGE / "_native.abi3.so").stdout
    assert re.findall(r" [TDBR] (\w+)", exported) == ["PyInit__native"]
    private = [name for name in re.findall(r" U (_Py\w+)", run("nm", "-D", PACKAGE / "_native.abi3.so").stdout)]
    assert set(private) <= {"_Py_NoneStruct", "_Py_Dealloc", "_Py_IncRef", "_Py_DecRef"}


@pytest.mark.parametrize("name", ["libascendcl.so", "atc", "_native.abi3.so"])
def test_binaries_need_system_libraries_only(name):
    needed = set(dynamic_entries(PACKAGE / name, "NEEDED"))
    assert needed <= SYSTEM_LIBRARIES, "the Swift runtime must be linked in"


def test_the_library_names_no_folder():
    assert dynamic_entries(LIBRARY, "SONAME") == ["libascendcl.so"]
    for name in ("libascendcl.so", "atc"):
        assert dynamic_entries(PACKAGE / name, "RUNPATH") == ["$ORIGIN"], "no folder of the machine that built it"
    assert "not found" not in run("ldd", LIBRARY, env={**os.environ, "LD_LIBRARY_PATH": ""}).stdout


def test_the_module_exports_no_constants():
    # pytest adds names with an @ to modules of distributions that hold plugins.
    public = {name for name in vars(acl) if not name.startswith(("_", "@"))}
    modules = {name for name in public if type(getattr(acl, name)) is type(sys)}
    assert modules == {"rt", "mdl", "media", "util"}
    assert {type(getattr(acl, name)) for name in public - modules} == {type(len)}


def test_every_function_of_the_table_is_in_the_library():
    from binding_standin import FUNCTIONS

    shown = run("nm", "-D", "--defined-only", LIBRARY)
    exported = set(re.findall(r" T (acl\w+)", shown.stdout))
    missing = {f.c_name for f in FUNCTIONS if f.c_name and f.status != "missing"} - exported
    assert not missing
    come_in = {f.c_name for f in FUNCTIONS if f.status == "missing"} & exported
    assert not come_in, "the table still calls these missing"


def command(name: str) -> Path:
    path = Path(sys.executable).parent / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the interpreter")
    return path


def test_atc_starts():
    done = run(command("atc"), "--help")
    assert done.returncode == 0 and "--model" in done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix") / "cann"
    done = run(command("pyaclmdl-config"), "--create", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"source {folder}/set_env.sh\n"
    return folder


def test_the_prefix_looks_like_cann(prefix):
    for name in ("include/acl/acl.h", "runtime/include/acl/acl_mdl.h", "bin/atc", "version.cfg", "set_env.sh"):
        assert (prefix / name).exists(), name
    machine = f"{os.uname().machine}-linux"
    for name in ("acl/ops/acl_dvpp.h", "acl/ops/acl_cblas.h", "aclnn/acl_meta.h", "aclnn/aclnn_base.h"):
        for folder in ("include", "runtime/include", f"{machine}/acllib/include"):
            assert (prefix / folder / name).exists(), name
    folders = ["lib64", "devlib", "runtime/lib64", "runtime/lib64/stub", f"{machine}/devlib", f"{machine}/acllib/lib64"]
    for folder in folders:
        for name in LINKED_NAMES:
            assert (prefix / folder / f"lib{name}.so").resolve() == LIBRARY.resolve()
    shown = run(
        "sh", "-c", f". {prefix}/set_env.sh && echo $ASCEND_HOME_PATH $DDK_PATH $NPU_HOST_LIB && command -v atc"
    )
    assert shown.stdout.split() == [str(prefix), str(prefix), f"{prefix}/runtime/lib64/stub", f"{prefix}/bin/atc"]
    assert run(command("pyaclmdl-config"), "--create", prefix).returncode == 0, (
        "an existing prefix is brought up to date"
    )
    assert run(command("pyaclmdl-config"), "--env", prefix / "none").returncode == 1


def values_of(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("played", [None, "8.3.0.rc1"])
def test_the_versions_of_the_prefix_are_those_that_the_library_plays(played, tmp_path):
    environment = os.environ | ({"PYACLMDL_CANN_VERSION": played} if played else {})
    # An installed CANN has its own version.
    home = tmp_path / "cann/share/info/runtime"
    home.mkdir(parents=True)
    (home / "version.info").write_text("Version=1.2.3\n")
    folder = tmp_path / "prefix"
    done = run(command("pyaclmdl-config"), "--create", folder, env=environment | {"ASCEND_HOME_PATH": home.parents[2]})
    assert done.returncode == 0, done.stderr
    program = "import acl; print(acl.get_version_str('runtime')[0])"
    selected = run("bash", "-c", f'. {folder}/set_env.sh && {sys.executable} -c "{program}"', env=environment)
    version = selected.stdout.strip()
    assert version == (played or "8.5.0"), selected.stderr
    lines = (folder / "version.cfg").read_text().splitlines()
    assert lines[0] == "# version: 1.0"
    entries = values_of("\n".join(lines))
    assert len(entries) == 24 and set(entries.values()) == {f"[{version}:{version}]"}
    # As torch_npu, HCCL and cmake files look for it.
    assert {"runtime_running_version", "toolkit_running_version", "compiler_installed_version"} <= set(entries)
    assert (folder / "runtime/version.info").read_text() == f"Version={version}\n"
    info = values_of((folder / f"{os.uname().machine}-linux/ascend_toolkit_install.info").read_text())
    assert info["version"] == version and info["path"] == f"{folder}/{os.uname().machine}-linux"


def test_scripts_can_source_setenv_bash(prefix):
    script = (
        "set -euo pipefail; unset LD_LIBRARY_PATH;"
        "source $0/bin/setenv.bash; source $0/bin/setenv.bash; source $0/set_env.sh;"
        'echo "$ASCEND_HOME_PATH $ASCEND_TOOLKIT_HOME"; command -v atc; echo "$LD_LIBRARY_PATH"; echo "${PATH%%:*}"'
    )
    done = run("bash", "-c", script, prefix, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout.splitlines() == [
        f"{prefix} {prefix}",
        f"{prefix}/bin/atc",
        f"{prefix}/lib64",
        f"{prefix}/bin",
    ], done.stderr


def test_a_prefix_for_a_path_that_shells_would_split(tmp_path):
    folder = tmp_path / "it's a [prefix]"
    assert run(command("pyaclmdl-config"), "--create", folder).returncode == 0
    done = run("sh", "-c", '. "$0/bin/setenv.bash"; . "$0/bin/setenv.bash"; echo "$LD_LIBRARY_PATH"', folder)
    assert done.stdout.split(":")[0].strip() == f"{folder}/lib64" and done.stdout.count("[prefix]") == 1


@pytest.mark.parametrize(
    ("name", "is_link"),
    [
        ("version.cfg", True),
        ("version.cfg", False),
        ("set_env.sh", True),
        ("bin/setenv.bash", True),
        ("lib64", True),
        ("runtime/include", True),
        ("bin/atc", False),
    ],
)
def test_a_prefix_does_not_write_over_or_through_what_is_not_its_own(tmp_path, name, is_link):
    folder, victim = tmp_path / "prefix", tmp_path / "victim"
    (folder / name).parent.mkdir(parents=True)
    if name in ("lib64", "runtime/include"):
        victim.mkdir()
    else:
        victim.write_text("precious")
    if is_link:
        (folder / name).symlink_to(victim)
    else:
        (folder / name).write_text("precious")
    before = sorted(folder.rglob("*"))
    done = run(command("pyaclmdl-config"), "--create", folder)
    assert done.returncode == 1 and "choose another prefix" in done.stderr, done.stderr
    assert sorted(folder.rglob("*")) == before, "nothing was written"
    assert (list(victim.iterdir()) == []) if victim.is_dir() else (victim.read_text() == "precious")


def test_a_prefix_that_cannot_be_written_leaves_no_temporary_files(tmp_path):
    import resource

    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))}
    done = run(command("pyaclmdl-config"), "--create", tmp_path / "prefix", **limited)
    assert done.returncode == 1 and "File too large" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")] == []


@pytest.fixture(scope="module")
def model_files(make_model, tmp_path_factory):
    """A model, its input and the output that ONNX's reference evaluator computes, as files."""
    onnx_reference = pytest.importorskip("onnx.reference")
    from model_support import dense_model, random_inputs

    model = dense_model(5)
    (given,) = random_inputs(model, 6)
    (expected,) = onnx_reference.ReferenceEvaluator(model).run(None, {"x": given})
    folder = tmp_path_factory.mktemp("model")
    files = [folder / "model.om", folder / "input.bin", folder / "expected.bin"]
    for path, content in zip(files, (make_model(model), given.tobytes(), expected.tobytes()), strict=True):
        path.write_bytes(content)
    return files


def build(prefix: Path, folder: Path, compiler: str, name: str, libraries: list[str]) -> Path:
    """The program `name` of this folder, built against the prefix as C11 or C++17."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    is_cpp = compiler.endswith("++")
    source = folder / ("program.cpp" if is_cpp else "program.c")
    shutil.copy(Path(__file__).parent / name, source)
    program = folder / "program"
    options = ["-std=c++17" if is_cpp else "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    options += ["-I", prefix / "include", "-I", Path(__file__).parent, source]
    built = run(compiler, *options, "-L", prefix / "lib64", *(f"-l{name}" for name in libraries), "-lm", "-o", program)
    assert built.returncode == 0, built.stderr
    return program


def run_built(prefix: Path, program: Path, *arguments: Path) -> str:
    done = run(program, *arguments, env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib64")})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("compiler", ["gcc", "g++", "clang", "clang++"])
@pytest.mark.parametrize("libraries", [["ascendcl"], ["acl_rt", "acl_mdl"]], ids="+".join)
def test_programs_build_against_the_prefix_and_run(prefix, model_files, tmp_path, compiler, libraries):
    program = build(prefix, tmp_path, compiler, "prefix_program.c", libraries)
    assert float(run_built(prefix, program, *model_files)) < 1e-4


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_gears_from_c(prefix, make_model, tmp_path, compiler):
    import numpy as np

    from test_gears import Oracle, conv_net, product_net

    net = conv_net()
    x = np.random.default_rng(9).standard_normal((4, 3, 6, 8)).astype(np.float32)
    files = [tmp_path / name for name in ("batch.om", "input.bin", "expected.bin")]
    batch = make_model(net, "x:-1,3,6,8", "--dynamic_batch_size=1,4,2", "--out_nodes=map")
    for path, content in zip(files, (batch, x.tobytes(), Oracle(net)(x)[0].tobytes()), strict=True):
        path.write_bytes(content)
    program = build(prefix, tmp_path, compiler, "gear_program.c", ["ascendcl"])
    *lines, difference = run_built(prefix, program, *files).splitlines()
    assert lines == ["batch 1 4 2", "hw", "now 1 24 6 8", "now 4 24 6 8", "now 2 24 6 8"]
    assert float(difference.removeprefix("difference ")) < 1e-4
    image = make_model(net, "x:1,3,-1,-1", "--dynamic_image_size=6,8;5,5", "--out_nodes=map")
    dims = make_model(product_net(), "a:-1,-1,24;b:-1,24", "--dynamic_dims=1,3,1;2,2,2")
    for model, expected in (
        (image, ["batch", "hw 6x8 5x5"]),
        (dims, ["batch", "hw", "gear 1 3 24 1 24", "gear 2 2 24 2 24"]),
    ):
        (tmp_path / "other.om").write_bytes(model)
        assert run_built(prefix, program, tmp_path / "other.om").splitlines() == expected


@pytest.mark.parametrize("names", [*([name] for name in LINKED_NAMES), LINKED_NAMES], ids="+".join)
@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_every_name_of_the_library_can_be_linked(prefix, tmp_path, compiler, names):
    """Alone and together; also found at run time under the name that was linked or opened."""
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / ("program.c" if compiler == "gcc" else "program.cpp")
    shutil.copy(Path(__file__).parent / "link_program.c", source)
    options = ["-std=c11" if compiler == "gcc" else "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    libraries = [f"-l{name}" for name in names]
    program = tmp_path / "program"
    built = run(compiler, *options, "-I", prefix / "include", source, "-L", prefix / "lib64", *libraries, "-o", program)
    assert built.returncode == 0, built.stderr
    assert dynamic_entries(program, "NEEDED").count("libascendcl.so") == 1, "one library, whatever its names"
    done = run(program, env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib64")})
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_all_names_open_the_same_library(prefix):
    program = (
        "import ctypes, sys\n"
        "handles = [ctypes.CDLL(f'{sys.argv[1]}/lib64/lib{name}.so') for name in sys.argv[2:]]\n"
        "addresses = {ctypes.cast(handle.aclInit, ctypes.c_void_p).value for handle in handles}\n"
        "print(len(handles), len(addresses))\n"
    )
    done = run(sys.executable, "-c", program, prefix, *LINKED_NAMES)
    assert done.stdout == f"{len(LINKED_NAMES)} 1\n", done.stderr


def test_the_pytest_plugin_reports_leaks(tmp_path):
    (tmp_path / "test_leak.py").write_text(
        "import acl\n\n"
        "def test_clean(acl_device, acl_stream):\n"
        "    memory, ret = acl.rt.malloc(1 << 20, 2)\n"
        "    assert (ret, acl.rt.free(memory), acl_device) == (0, 0, 0)\n\n"
        "def test_leak(acl_device):\n"
        "    acl.rt.malloc(1 << 20, 2)\n"
    )
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path, cwd=tmp_path)
    assert "2 passed, 1 error" in done.stdout and "bytes of device memory allocated" in done.stdout, done.stdout
