# SPDX-License-Identifier: Apache-2.0
"""Image preprocessing inside models (AIPP): made by atc, described, executed, against exact arithmetic in Python."""

import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper

import acl
from aipp_reference import preprocess, stored_bytes
from model_support import Runner, dataset, message, must_load, must_unload

INVALID_PARAM = 100000
TYPES = {np.float32: TensorProto.FLOAT, np.float16: TensorProto.FLOAT16}
JPEG = ((256, 0, 359), (256, -88, -183), (256, 454, 0))
TO_YUV = ((77, 150, 29), (-43, -85, 128), (128, -107, -21))
GREY = ((76, 150, 30), (0, 0, 0), (0, 0, 0))


def identity(shape, dtype=np.float32):
    """y = -x: the least that a model can do with an image."""
    values = [helper.make_tensor_value_info(name, TYPES[dtype], shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


def configuration(**fields):
    lines = [
        f"    {name}: {str(value).lower() if isinstance(value, bool) else value}" for name, value in fields.items()
    ]
    return "\n".join(["# made by a test", "aipp_op {", *lines, "}"])


def matrix_fields(matrix):
    return {f"matrix_r{r}c{c}": matrix[r][c] for r in range(3) for c in range(3)}


@pytest.fixture
def convert_with(atc_path, tmp_path):
    def convert(model, text, *options):
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        (tmp_path / "aipp.cfg").write_text(text)
        command = [atc_path, f"--model={tmp_path / 'm.onnx'}", "--framework=5", f"--output={tmp_path / 'm'}"]
        command += [f"--insert_op_conf={tmp_path / 'aipp.cfg'}", *options]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return run, (tmp_path / "m.om")

    return convert


# Name: layout, stored height and width, atc's fields, what the reference is told, type of the model's input.
STATIC = {
    "rgb": ("RGB888_U8", 5, 7, {}, {}),
    "bgr_scaled": (
        "RGB888_U8", 6, 6,
        {"rbuv_swap_switch": True, "mean_chn_0": 104, "mean_chn_1": 117, "mean_chn_2": 123, "min_chn_1": 0.5,
         "var_reci_chn_0": 0.0039, "var_reci_chn_2": 0.017},
        {"swap": True, "mean": (104, 117, 123), "minimum": (0, 0.5, 0), "scale": (0.0039, 1, 0.017)},
    ),
    "xrgb_crop_padding": (
        "XRGB8888_U8", 12, 10,
        {"ax_swap_switch": True, "crop": True, "load_start_pos_w": 3, "load_start_pos_h": 1, "crop_size_w": 5,
         "crop_size_h": 7, "padding": True, "left_padding_size": 1, "right_padding_size": 2, "top_padding_size": 3,
         "bottom_padding_size": 4, "padding_value": 2.5},
        {"unused_first": True, "crop": (3, 1, 5, 7), "padding": (3, 4, 1, 2), "padding_value": 2.5},
    ),
    "xrgb": ("XRGB8888_U8", 4, 4, {}, {}),
    "rgb_to_yuv": (
        "RGB888_U8", 8, 8, {"csc_switch": True, **matrix_fields(TO_YUV), "output_bias_0": 0},
        {"matrix": TO_YUV, "output_bias": (0, 128, 128)},
    ),
    "rgb_to_grey": (
        "RGB888_U8", 8, 8, {"csc_switch": True, **matrix_fields(GREY), "output_bias_0": 0},
        {"matrix": GREY, "channels": 1},
    ),
    "yuv420_to_rgb": (
        "YUV420SP_U8", 8, 12, {"csc_switch": True, **matrix_fields(JPEG), "input_bias_0": 0},
        {"matrix": JPEG, "input_bias": (0, 128, 128)},
    ),
    "nv21_cropped": (
        "YUV420SP_U8", 8, 12,
        {"csc_switch": True, "rbuv_swap_switch": True, **matrix_fields(JPEG), "input_bias_0": 0, "crop": True,
         "load_start_pos_w": 2, "load_start_pos_h": 2, "crop_size_w": 7, "crop_size_h": 5},
        {"matrix": JPEG, "input_bias": (0, 128, 128), "swap": True, "crop": (2, 2, 7, 5)},
    ),
    "yuv420_defaults": (
        "YUV420SP_U8", 6, 6, {"csc_switch": True},
        {"matrix": ((298, 516, 0), (298, -100, -208), (298, 0, 409)), "input_bias": (16, 128, 128)},
    ),
    "yuv400": ("YUV400_U8", 5, 9, {"mean_chn_0": 7}, {"channels": 1, "mean": (7, 0, 0)}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("case", STATIC)
def test_static(convert_with, device, case, images, dtype):
    layout, height, width, fields, told = STATIC[case]
    rng = np.random.default_rng(len(case))
    data = rng.integers(0, 256, (images, stored_bytes(layout, height, width)), np.uint8)
    wanted = np.stack([preprocess(layout, one, height, width, dtype=dtype, **told) for one in data])
    text = configuration(
        aipp_mode="static", input_format=layout, src_image_size_w=width, src_image_size_h=height, **fields
    )
    run, om = convert_with(identity(wanted.shape, dtype), text)
    assert run.returncode == 0, run.stdout

    model_id = must_load(om.read_bytes())
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_num_inputs(desc) == 1
    assert acl.mdl.get_input_size_by_index(desc, 0) == data.nbytes
    assert (acl.mdl.get_input_data_type(desc, 0), acl.mdl.get_input_format(desc, 0)) == (4, 1)
    stored = {"YUV420SP_U8": [images, height * 3 // 2, width, 1], "XRGB8888_U8": [images, height, width, 4]}.get(
        layout, [images, height, width, 3 if layout == "RGB888_U8" else 1]
    )
    assert acl.mdl.get_input_dims_v2(desc, 0)[0]["dims"] == stored
    assert acl.mdl.get_aipp_type(model_id, 0) == (1, 0xFFFFFFFF, 0)
    info, ret = acl.mdl.get_first_aipp_info(model_id, 0)
    assert ret == 0
    assert (info["srcImageSizeW"], info["srcImageSizeH"], info["shapeCount"]) == (width, height, 1)
    assert acl.mdl.destroy_desc(desc) == 0

    result = np.empty(wanted.shape, dtype)
    (inputs, given), (outputs, taken) = dataset([data]), dataset([result])
    assert acl.mdl.execute(model_id, inputs, outputs) == 0, message()
    tolerance = {"rtol": 1e-6, "atol": 1e-5} if dtype == np.float32 else {"rtol": 0, "atol": 0}
    np.testing.assert_allclose(-result.astype(np.float64), wanted.astype(np.float64), **tolerance)
    for one, buffers in ((inputs, given), (outputs, taken)):
        acl.mdl.destroy_dataset(one)
        for buffer in buffers:
            acl.destroy_data_buffer(buffer)
    must_unload(model_id)


class Dynamic:
    """A model of two images of 6 x 8 in RGB whose parameters come with each execution."""

    def __init__(self, convert_with):
        self.shape = (2, 3, 6, 8)
        self.limit = 2 * 12 * 12 * 4
        run, om = convert_with(identity(self.shape), configuration(aipp_mode="dynamic", max_src_image_size=self.limit))
        assert run.returncode == 0, run.stdout
        self.id = must_load(om.read_bytes())
        self.images = np.zeros(self.limit, np.uint8)
        self.parameters = np.zeros(64 + 2 * 96, np.uint8)
        self.result = np.empty(self.shape, np.float32)
        self.inputs, self._given = dataset([self.images, self.parameters])
        self.outputs, self._taken = dataset([self.result])

    def execute(self):
        return acl.mdl.execute(self.id, self.inputs, self.outputs)

    def close(self):
        for one, buffers in ((self.inputs, self._given), (self.outputs, self._taken)):
            acl.mdl.destroy_dataset(one)
            for buffer in buffers:
                acl.destroy_data_buffer(buffer)
        must_unload(self.id)


@pytest.fixture
def dynamic(convert_with, device):
    model = Dynamic(convert_with)
    yield model
    model.close()


@pytest.fixture
def parameters(device):
    handle = acl.mdl.create_aipp(2)
    yield handle
    assert acl.mdl.destroy_aipp(handle) == 0


def set_source(parameters, layout, width, height):
    numbers = {"YUV420SP_U8": 1, "XRGB8888_U8": 2, "RGB888_U8": 3, "YUV400_U8": 4}
    assert acl.mdl.set_aipp_input_format(parameters, numbers[layout]) == 0
    assert acl.mdl.set_aipp_src_image_size(parameters, width, height) == 0


def test_dynamic_description(dynamic):
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, dynamic.id) == 0
    assert acl.mdl.get_num_inputs(desc) == 2
    assert acl.mdl.get_input_index_by_name(desc, "ascend_dynamic_aipp_data") == (1, 0)
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [2, -1, -1, -1]
    sizes = [acl.mdl.get_input_size_by_index(desc, index) for index in range(2)]
    assert sizes == [dynamic.limit, acl.mdl.get_aipp_data_size(2)[0]]
    assert acl.mdl.get_aipp_type(dynamic.id, 0) == (2, 1, 0)
    assert acl.mdl.get_aipp_type(dynamic.id, 1)[0] == 3
    assert acl.mdl.get_first_aipp_info(dynamic.id, 0)[1] == 145015
    assert acl.mdl.destroy_desc(desc) == 0


@pytest.mark.parametrize("by_image", [False, True])
@pytest.mark.parametrize(
    ("layout", "height", "width"), [("RGB888_U8", 6, 8), ("XRGB8888_U8", 10, 12), ("YUV420SP_U8", 12, 12)]
)
def test_dynamic(dynamic, parameters, layout, height, width, by_image):
    """One model takes other layouts and sizes with each execution, another part of each image, other numbers."""
    rng = np.random.default_rng(height)
    size = stored_bytes(layout, height, width)
    dynamic.images[: 2 * size] = rng.integers(0, 256, 2 * size, np.uint8)
    set_source(parameters, layout, width, height)
    told = [{}, {}]
    if layout == "YUV420SP_U8":
        flat = [entry for row in JPEG for entry in row]
        assert acl.mdl.set_aipp_csc_params(parameters, 1, *flat, 0, 0, 0, 0, 128, 128) == 0
    for image in range(2):
        if layout == "YUV420SP_U8":
            told[image] |= {"matrix": JPEG, "input_bias": (0, 128, 128)}
        if (height, width) != (6, 8):
            crop = (2 * image, 2, 5, 6)
            assert acl.mdl.set_aipp_crop_params(parameters, 1, *crop, image) == 0
            assert acl.mdl.set_aipp_padding_params(parameters, 1, 0, 0, 1, 2, image) == 0
            told[image] |= {"crop": crop, "padding": (0, 0, 1, 2)}
        mean, scale = (10 + image, 20, 30), (0.5, 0.25, 2.0)
        assert acl.mdl.set_aipp_dtc_pixel_mean(parameters, *mean, 0, image) == 0
        assert acl.mdl.set_aipp_pixel_var_reci(parameters, *scale, 1.0, image) == 0
        told[image] |= {"mean": mean, "scale": scale}
    setter, index = (acl.mdl.set_aipp_by_input_index, 0) if by_image else (acl.mdl.set_input_aipp, 1)
    assert setter(dynamic.id, dynamic.inputs, index, parameters) == 0, message()
    assert dynamic.execute() == 0, message()
    for image in range(2):
        stored = dynamic.images[image * size : (image + 1) * size]
        wanted = preprocess(layout, stored, height, width, **told[image])
        np.testing.assert_array_equal(-dynamic.result[image], wanted)


def test_dynamic_refusals(dynamic, parameters):
    assert dynamic.execute() == 145014
    assert "aclmdlSetInputAIPP" in message()

    def refused(code, *words):
        assert acl.mdl.set_input_aipp(dynamic.id, dynamic.inputs, 1, parameters) == code
        text = message()
        assert all(word in text for word in words), text

    set_source(parameters, "RGB888_U8", 7, 6)
    refused(INVALID_PARAM, "6 x 7")
    set_source(parameters, "XRGB8888_U8", 4096, 4096)
    refused(INVALID_PARAM, "4096", str(dynamic.limit))
    set_source(parameters, "RGB888_U8", 8, 6)
    assert acl.mdl.set_input_aipp(dynamic.id, dynamic.inputs, 0, parameters) == INVALID_PARAM
    assert acl.mdl.set_input_aipp(dynamic.id, dynamic.inputs, 1, parameters) == 0
    assert dynamic.execute() == 0
    # Written past the setters: the image would reach beyond the input.
    dynamic.parameters[8:12] = np.frombuffer(np.int32(1 << 20).tobytes(), np.uint8)
    assert dynamic.execute() == INVALID_PARAM
    assert "1048576" in message()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 no_such_field: 1 }", "E13018", "unknown field"),
        ("aipp_op { aipp_mode: static", "E13018", "insert_op_conf"),
        ("", "E10052", "no aipp_op"),
        ("aipp_op { input_format: RGB888_U8 }", "E10052", "static or dynamic"),
        ("aipp_op { aipp_mode: static }", "E10052", "input_format"),
        ("aipp_op { aipp_mode: dynamic }", "E10052", "max_src_image_size"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 related_input_rank: 3 }", "E10052", "1 inputs"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 src_image_size_w: 9 }", "E10052", "9 x 6"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 mean_chn_0: 256 }", "E10052", "256"),
        ("aipp_op { aipp_mode: static input_format: YUV400_U8 }", "E10052", "1 channels"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 resize: true }", "E10052", "resize"),
        (
            "aipp_op { aipp_mode: static input_format: RGB888_U8 matrix_r0c0: 1 matrix_r0c0: 2 }",
            "E10052",
            "matrix_r0c0",
        ),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 } " * 2, "E10052", "two"),
        (
            "aipp_op { aipp_mode: static input_format: RGB888_U8 crop: true load_start_pos_w: 1 crop_size_w: 8 }",
            "E10052",
            "leaves",
        ),
    ],
)
def test_atc_refuses(convert_with, text, code, words):
    run, om = convert_with(identity((1, 3, 6, 8)), text)
    assert run.returncode == 255
    assert f"{code}: " in run.stdout and words in run.stdout, run.stdout
    assert not om.exists()


def test_atc_refuses_float16_inputs_with_aipp(convert_with):
    text = configuration(aipp_mode="static", input_format="RGB888_U8")
    run, _ = convert_with(identity((1, 3, 6, 8)), text, "--input_fp16_nodes=x")
    assert run.returncode == 255 and "E10034: " in run.stdout


def open_model(shape):
    """y = -x with the dimensions of -1 left open."""
    model = identity([1 if d < 0 else d for d in shape])
    for value in (*model.graph.input, *model.graph.output):
        for dimension, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
            if size < 0:
                dimension.dim_param = "n"
    return model


@pytest.mark.parametrize("kind", ["batch", "image_size"])
def test_gears(convert_with, device, kind):
    """Static AIPP in a model with several shapes: each execution takes as many bytes as its gear has."""
    shape, option, shapes = {
        "batch": ((-1, 3, 6, 8), "1,4", [(1, 3, 6, 8), (4, 3, 6, 8)]),
        "image_size": ((1, 3, -1, -1), "6,8;10,4", [(1, 3, 6, 8), (1, 3, 10, 4)]),
    }[kind]
    text = configuration(aipp_mode="static", input_format="YUV420SP_U8", csc_switch=True, **matrix_fields(JPEG))
    given = ",".join(map(str, shape))
    size = "batch_size" if kind == "batch" else "image_size"
    run, om = convert_with(open_model(shape), text, f"--input_shape=x:{given}", f"--dynamic_{size}={option}")
    assert run.returncode == 0, run.stdout
    model_id = must_load(om.read_bytes())
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    index, ret = acl.mdl.get_input_index_by_name(desc, "ascend_mbatch_shape_data")
    assert (index, ret) == (1, 0)
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [shape[0], shape[2], shape[3], 3]
    largest = max(n * h * w * 3 // 2 for n, _, h, w in shapes)
    assert acl.mdl.get_input_size_by_index(desc, 0) == largest
    info, ret = acl.mdl.get_first_aipp_info(model_id, 0)
    assert ret == 0 and info["shapeCount"] == 2
    rng = np.random.default_rng(1)
    for n, c, h, w in [*shapes, shapes[0]]:
        images = np.zeros(largest, np.uint8)
        each = h * w * 3 // 2
        images[: n * each] = rng.integers(0, 256, n * each, np.uint8)
        result = np.zeros(max(np.prod(s) for s in shapes), np.float32)
        (inputs, given), (outputs, taken) = dataset([images, np.zeros(2, np.int32)]), dataset([result])
        if kind == "batch":
            assert acl.mdl.set_dynamic_batch_size(model_id, inputs, 1, n) == 0, message()
        else:
            assert acl.mdl.set_dynamic_hw_size(model_id, inputs, 1, h, w) == 0, message()
        assert acl.mdl.execute(model_id, inputs, outputs) == 0, message()
        for image in range(n):
            stored = images[image * each : (image + 1) * each]
            wanted = preprocess("YUV420SP_U8", stored, h, w, matrix=JPEG, input_bias=(16, 128, 128))
            got = -result[: n * c * h * w].reshape(n, c, h, w)[image]
            np.testing.assert_array_equal(got, wanted)
        for one, buffers in ((inputs, given), (outputs, taken)):
            acl.mdl.destroy_dataset(one)
            for buffer in buffers:
                acl.destroy_data_buffer(buffer)
    acl.mdl.destroy_desc(desc)
    must_unload(model_id)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aipp_op { aipp_mode: dynamic max_src_image_size: 10000 }", "dynamic AIPP"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 crop: true }", "crop"),
        ("aipp_op { aipp_mode: static input_format: RGB888_U8 src_image_size_w: 8 }", "src_image_size"),
    ],
)
def test_atc_refuses_with_image_gears(convert_with, text, words):
    options = ("--input_shape=x:1,3,-1,-1", "--dynamic_image_size=6,8;10,4")
    run, _ = convert_with(open_model((1, 3, -1, -1)), text, *options)
    assert run.returncode == 255 and "E10052: " in run.stdout and words in run.stdout, run.stdout


def test_a_runner_needs_the_images_only(convert_with, device):
    """Static AIPP adds no input: a program that passes what the description asks for works."""
    run, om = convert_with(identity((1, 3, 4, 4)), configuration(aipp_mode="static", input_format="RGB888_U8"))
    assert run.returncode == 0, run.stdout
    model_id = must_load(om.read_bytes())
    image = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    with Runner(model_id, [image]) as runner:
        np.testing.assert_array_equal(-runner.run()[0], image.transpose(0, 3, 1, 2).astype(np.float32))
    must_unload(model_id)
