# SPDX-License-Identifier: Apache-2.0
"""What a user of `atc` sees: lines, error codes, exit status and the file."""

import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

START = "ATC start working now, please wait for a moment."
SUCCESS = "ATC run success, welcome to the next use."
FAILURE = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"


class Atc:
    """Runs the executable in a folder of its own."""

    def __init__(self, path, folder):
        self.path = path
        self.folder = folder

    def __call__(self, *arguments):
        return subprocess.run(
            [self.path, *map(str, arguments)], capture_output=True, text=True, timeout=300, cwd=self.folder
        )

    def convert(self, model, *arguments, output="out"):
        """Saves `model` and converts it in mode 0."""
        source = self.folder / "model.onnx"
        source.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return self(f"--model={source}", "--framework=5", f"--output={self.folder}/{output}", *arguments)


@pytest.fixture
def atc(atc_path, tmp_path):
    return Atc(atc_path, tmp_path)


def make_graph(nodes, inputs, outputs, initializers=(), opset=13, types=None):
    """A model of float tensors: inputs and outputs are names with their shapes."""
    types = types or {}

    def values(shapes):
        return [helper.make_tensor_value_info(n, types.get(n, TensorProto.FLOAT), s) for n, s in shapes.items()]

    graph = helper.make_graph(nodes, "graph", values(inputs), values(outputs), list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def relu_model(shape=("n", 3, 8, 8)):
    node = helper.make_node("Relu", ["x"], ["y"], name="relu")
    return make_graph([node], {"x": list(shape)}, {"y": list(shape)})


def assert_failed(run, code):
    assert run.returncode == 255
    lines = run.stdout.splitlines()
    assert lines[0] == START
    assert FAILURE in lines
    error = lines[lines.index(FAILURE) + 1]
    assert error.startswith(f"{code}: "), error
    return error


# --- The lines of a run ---


def test_success_writes_the_file_and_says_so(atc):
    run = atc.convert(relu_model(), "--input_shape=x:1,3,8,8")
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines() == [START, "...", SUCCESS]
    assert run.stderr == ""
    assert (atc.folder / "out.om").read_bytes()[:4] == b"IMOD"


def test_failure_prints_dots_before_the_failure_line(atc):
    run = atc.convert(relu_model())
    error = assert_failed(run, "E10001")
    assert "--input_shape" in error and "[x]" in error
    assert run.stdout.splitlines()[1] == "..."
    assert not (atc.folder / "out.om").exists()


def test_missing_folders_are_made(atc):
    run = atc.convert(relu_model((1, 3, 8, 8)), output="a/b/c")
    assert run.returncode == 0, run.stdout
    assert (atc.folder / "a/b/c.om").exists()


@pytest.mark.parametrize("flag", ["-h", "--h", "--help", "-help", "--help=true"])
def test_help_prints_usage_and_succeeds(atc, flag):
    run = atc(flag)
    assert run.returncode == 0
    assert run.stdout.startswith(START) and "--input_shape" in run.stdout


# --- How options are read ---


@pytest.mark.parametrize(
    ("style", "shape"),
    [
        (lambda name, value: [f"--{name}={value}"], "x:1,3,8,8"),
        (lambda name, value: [f"--{name}", value], "x:1,3,8,8"),
        (lambda name, value: [f"-{name}={value}"], "x:1,3,8,8"),
        (lambda name, value: [f"-{name}", value], "x:1,3,8,8"),
        (lambda name, value: [f"--{name.replace('_', '-')}={value}"], "x:1,3,8,8"),
    ],
)
def test_spellings_of_options(atc, style, shape):
    (atc.folder / "model.onnx").write_bytes(relu_model().SerializeToString())
    options = {
        "model": "model.onnx",
        "framework": "5",
        "output": "out",
        "input_shape": shape,
        "soc_version": "Ascend310P3",
    }
    run = atc(*[part for name, value in options.items() for part in style(name, value)])
    assert run.returncode == 0, run.stdout + run.stderr
    assert (atc.folder / "out.om").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--modle=x"], "ERROR: unknown command line flag 'modle'"),
        (["--soc-verzion=x"], "ERROR: unknown command line flag 'soc_verzion'"),
        (["--model"], "ERROR: flag '--model' is missing its argument"),
        (["model.onnx"], "ERROR: Non-option parameter: model.onnx"),
    ],
)
def test_command_line_errors(atc, arguments, text):
    run = atc(*arguments)
    assert run.returncode == 255
    assert run.stderr.startswith(text), run.stderr
    lines = run.stdout.splitlines()
    assert lines[:3] == [START, FAILURE, "E19999: Internal Error!"]
    assert lines[3].strip() == "An unknown error occurred. Please check the log."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--mode=2"], "E10001"),
        (["--framework=4"], "E10007"),
        (["--log=loud"], "E10010"),
        (["--display_model_info=2"], "E10006"),
        (["--precision_mode=fp8"], "E10001"),
        (["--core_type=GPU"], "E10001"),
        (["--help=maybe"], "E10003"),
    ],
)
def test_values_are_checked_while_parsing(atc, arguments, code):
    run = atc(*arguments)
    assert_failed(run, code)
    assert "..." not in run.stdout.splitlines()


# --- Required options and paths ---


def test_required_options_in_the_documented_order(atc):
    assert_failed(atc("--model=a.onnx", "--output=b"), "E10007")
    assert "--output" in assert_failed(atc("--model=a.onnx", "--framework=5"), "E10054")
    assert "--model" in assert_failed(atc("--output=b", "--framework=5"), "E10054")


def test_paths(atc):
    model = relu_model((1, 3, 8, 8))
    assert_failed(atc("--model=none.onnx", "--framework=5", "--output=b"), "E10001")
    assert_failed(atc.convert(model, output="folder/"), "E10022")
    assert_failed(atc.convert(model, output="n" * 300), "E10021")
    assert_failed(atc.convert(model, output="a b"), "E10001")
    (atc.folder / "file").write_text("")
    assert_failed(atc.convert(model, output="file/out"), "E13001")


def test_what_is_not_supported_is_refused_with_a_reason(atc):
    model = relu_model((1, 3, 8, 8))
    for option in (
        "--mode=3",
        "--is_input_adjust_hw_layout=true",
        "--framework=3",
    ):
        assert "Reason" in assert_failed(atc.convert(model, option), "E10055"), option


def test_exclusive_precision_modes(atc):
    run = atc.convert(relu_model((1, 3, 8, 8)), "--precision_mode=force_fp32", "--precision_mode_v2=origin")
    assert_failed(run, "E10056")


@pytest.mark.parametrize(
    "option",
    [
        "--precision_mode=allow_mix_precision",
        "--op_select_implmode=high_precision",
        "--disable_reuse_memory=1",
        "--aicore_num=8",
        "--log=error",
    ],
)
def test_options_without_effect_are_accepted(atc, option):
    assert atc.convert(relu_model((1, 3, 8, 8)), option).returncode == 0


# --- --input_shape ---


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x", "E10002"),
        ("x:", "E10049"),
        ("x:1,3,8", "E10049"),
        ("x:1,3,8,8.5", "E10002"),
        ("x:1,3,8,a", "E10002"),
        ("x:1,,8,8", "E10002"),
        ("x:1,3,8,8;x:1,3,8,8", "E10002"),
        ("x:1,3,0,8", "E10011"),
        ("x:1,3,-2,8", "E10011"),
        ("x:-2,3,8,8", "E10011"),
        ("x:4~1,3,8,8", "E10002"),
        ("x:1~,3,8,8", "E10002"),
        ("z:1,3,8,8", "E10016"),
        ("relu:1,3,8,8", "E10017"),
        ("y:1,3,8,8", "E10017"),
    ],
)
def test_bad_input_shapes(atc, text, code):
    assert_failed(atc.convert(relu_model(), f"--input_shape={text}"), code)


def test_names_may_hold_colons(atc):
    node = helper.make_node("Relu", ["a:0"], ["y"], name="relu")
    run = atc.convert(make_graph([node], {"a:0": ["n", 4]}, {"y": ["n", 4]}), "--input_shape=a:0:2,4")
    assert run.returncode == 0, run.stdout


# --- Gears ---


@pytest.mark.parametrize(
    ("shape", "options", "code"),
    [
        (None, ["--dynamic_batch_size=1,2"], "E10004"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1,2", "--dynamic_dims=1;2"], "E10009"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1,2", "--input_shape_range=x:[1~2,3,8,8]"], "E10009"),
        ("x:1~2,3,8,8", ["--dynamic_batch_size=1,2"], "E10040"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=4"], "E10035"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=" + ",".join(map(str, range(1, 102)))], "E10036"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1,0"], "E10038"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1,2,1"], "E10039"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1;2"], "E10003"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=-1,2"], "E10003"),
        ("x:-1,3,8,8", ["--dynamic_batch_size=1,2147483648"], "E10013"),
        ("x:-1,3,-1,8", ["--dynamic_batch_size=1,2"], "E10018"),
        ("x:1,3,-1,8", ["--dynamic_batch_size=1,2"], "E10018"),
        ("x:", ["--dynamic_batch_size=1,2"], "E10012"),
        ("x:1,3,8,8", ["--dynamic_batch_size=1,2"], "E10031"),
        ("x:1,3,8,8", ["--dynamic_image_size=4,4;8,8"], "E10019"),
        ("x:1,3,-1,8", ["--dynamic_image_size=4,4;8,8"], "E10019"),
        ("x:-1,3,-1,-1", ["--dynamic_image_size=4,4;8,8"], "E10019"),
        ("x:1,-1,-1", ["--dynamic_image_size=4,4;8,8"], "E10019"),
        ("x:1,3,-1,-1", ["--dynamic_image_size=4,4;8,8,8"], "E10020"),
        ("x:1,3,-1,-1", ["--dynamic_image_size=4,4;8,8", "--input_format=ND"], "E10003"),
        ("x:1,3,-1,-1", ["--dynamic_image_size=4,4;4,4"], "E10039"),
        ("x:1,3,8,8", ["--dynamic_dims=1;2"], "E10001"),
        ("x:-1,3,-1,8", ["--dynamic_dims=1;2"], "E10003"),
        ("x:-1,3,-1,8", ["--dynamic_dims=1,2,3;2,3,4"], "E10003"),
        ("x:-1,3,-1,8", ["--dynamic_dims=1,a;2,3"], "E10003"),
        ("x:-1,3,-1,8", ["--dynamic_dims=1,0;2,3"], "E10001"),
        ("x:-1,3,-1,8", ["--dynamic_dims=1,2"], "E10035"),
        ("z:-1,3,8,8", ["--dynamic_batch_size=1,2"], "E10016"),
        ("x:-1,3,8", ["--dynamic_batch_size=1,2"], "E10049"),
    ],
)
def test_bad_gears(atc, shape, options, code):
    given = [f"--input_shape={shape}"] if shape else []
    assert_failed(atc.convert(relu_model(("n", 3, "h", "w")), *given, *options), code)
    assert not (atc.folder / "out.om").exists()


@pytest.mark.parametrize(
    ("shape", "option"),
    [
        ("x:-1,3,8,8", "--dynamic_batch_size=1, 2,4,"),
        ("x:1,3,-1,-1", "--dynamic_image_size=4,4;8,6;"),
        ("x:-1,3,-1,8", "--dynamic_dims=1,2;4,4;"),
        ("x:-1,3,8,8", "--dynamic_batch_size=" + ",".join(map(str, range(1, 101)))),
    ],
)
def test_gears_are_written(atc, shape, option):
    run = atc.convert(relu_model(("n", 3, "h", "w")), f"--input_shape={shape}", option)
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines() == [START, "...", SUCCESS]


def test_an_error_in_one_gear_names_the_gear(atc):
    node = helper.make_node("Reshape", ["x", "s"], ["y"], name="view")
    shape = numpy_helper.from_array(np.array([-1, 12], np.int64), "s")
    model = make_graph([node], {"x": ["n", 6]}, {"y": ["m", 12]}, [shape])
    error = assert_failed(atc.convert(model, "--input_shape=x:-1,6", "--dynamic_batch_size=2,4,3"), "E13014")
    assert "[3]" in error and "view" in error


# --- The model ---


def test_damaged_model(atc):
    assert_failed(atc.convert(b"\x00\x01 this is not a model"), "E13005")
    whole = relu_model((1, 3, 8, 8)).SerializeToString()
    assert atc.convert(whole[: len(whole) // 2]).returncode == 255


def test_model_without_graph_or_outputs(atc):
    assert_failed(atc.convert(onnx.ModelProto(ir_version=8).SerializeToString()), "E16004")
    model = relu_model((1, 3, 8, 8))
    del model.graph.output[:]
    assert_failed(atc.convert(model), "E16001")


@pytest.mark.parametrize("opset", [6, 22])
def test_opsets_outside_of_the_range(atc, opset):
    model = relu_model((1, 3, 8, 8))
    model.opset_import[0].version = opset
    assert f"::{opset}::Relu" in assert_failed(atc.convert(model), "E16002")


def test_all_missing_operators_are_named_with_their_nodes(atc):
    nodes = [
        helper.make_node("Frobnicate", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
        helper.make_node("Twiddle", ["b"], ["y"], name="third", domain="com.example"),
    ]
    error = assert_failed(atc.convert(make_graph(nodes, {"x": [1, 4]}, {"y": [1, 4]}, opset=17)), "E16002")
    assert "[ai.onnx::17::Frobnicate] of node [first]" in error
    assert "[com.example::17::Twiddle] of node [third]" in error
    assert "second" not in error


def test_operators_behind_the_chosen_outputs_do_not_matter(atc):
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="first"),
        helper.make_node("Frobnicate", ["a"], ["y"], name="second"),
    ]
    model = make_graph(nodes, {"x": [1, 4]}, {"y": [1, 4]})
    assert atc.convert(model, "--out_nodes=first:0").returncode == 0
    assert atc.convert(model, "--out_nodes=a").returncode == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--out_nodes=none:0"], "E10016"),
        (["--out_nodes=none"], "E10016"),
        (["--out_nodes=relu:1"], "E10003"),
        (["--out_nodes=relu:0;y"], "E10001"),
        (["--output_type=FP64"], "E10001"),
        (["--output_type=relu:0:FP16"], "E10001"),
        (["--input_fp16_nodes=none"], "E10016"),
        (["--input_fp16_nodes=relu"], "E10017"),
        (["--input_format=NHWC"], "E10001"),
    ],
)
def test_bad_selections(atc, options, code):
    assert_failed(atc.convert(relu_model((1, 3, 8, 8)), *options), code)


def test_shapes_that_do_not_fit_name_the_node(atc):
    weights = numpy_helper.from_array(np.zeros((5, 4), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    run = atc.convert(make_graph([node], {"x": [2, 3]}, {"y": [2, 4]}, [weights]))
    assert "[product]" in assert_failed(run, "E13014")


def test_external_weights_are_read_from_the_folder_of_the_model(atc):
    weights = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    (atc.folder / "w.bin").write_bytes(b"\0" * 16 + weights.raw_data)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    model = make_graph([node], {"x": [2, 4]}, {"y": [2, 4]}, [weights])

    def refer(location):
        tensor = model.graph.initializer[0]
        del tensor.external_data[:]
        tensor.raw_data = b""
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, "offset": "16", "length": "64"}.items():
            tensor.external_data.add(key=key, value=value)

    refer("w.bin")
    assert atc.convert(model).returncode == 0
    refer("../w.bin")
    assert_failed(atc.convert(model), "E13026")
    refer("none.bin")
    assert_failed(atc.convert(model), "E13001")


# --- Mode 6 ---


def test_model_information(atc):
    assert atc.convert(relu_model((1, 3, 8, 8)), "--soc_version=Ascend310P3").returncode == 0
    run = atc("--mode=6", "--om=out.om")
    assert run.returncode == 0, run.stdout
    assert "============ Display Model Info start ============" in run.stdout
    assert "soc_version[Ascend310P3], framework_type[Onnx]" in run.stdout
    assert re.search(r"resource info: memory_size\[\d+ B\], weight_size\[\d+ B\]", run.stdout)
    assert_failed(atc("--mode=6"), "E10004")
    assert_failed(atc("--mode=6", "--om=out.om", "--framework=5"), "E10057")
    (atc.folder / "bad.om").write_bytes(b"no model")
    assert_failed(atc("--mode=6", "--om=bad.om"), "E10041")
