# SPDX-License-Identifier: Apache-2.0
"""Dumps: the files that executions of a model leave, against ONNX Runtime with every tensor as an output."""

import csv
import ctypes
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl
from dump_support import DumpFile, dump_files, write_config
from model_support import (
    Runner,
    assert_close,
    conv_model,
    dense_model,
    expected_outputs,
    message,
    must_load,
    must_unload,
    random_inputs,
    run_once,
    sizes,
)

pytestmark = pytest.mark.usefixtures("device")


@contextmanager
def dumping(config=None):
    assert acl.mdl.init_dump() == 0, message()
    try:
        if config:
            assert acl.mdl.set_dump(config) == 0, message()
        yield
    finally:
        assert acl.mdl.finalize_dump() == 0, message()


def every_tensor(onnx_model, inputs):
    """{name: value} of every tensor that a node of the model computes, by ONNX Runtime without optimisations."""
    model = onnx.ModelProto()
    model.CopyFrom(onnx_model)
    names = [name for node in model.graph.node for name in node.output if name]
    known = {value.name for value in model.graph.output}
    inferred = {value.name: value for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    model.graph.output.extend(inferred[name] for name in names if name not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = {value.name: array for value, array in zip(onnx_model.graph.input, inputs, strict=True)}
    return dict(zip(names, session.run(names, feeds), strict=True))


def chain_model(seed):
    """Chains that an executor fuses, a tensor with two readers, and views: x[2, 8, 6, 6] -> y[2, 10], z[2, 36, 8]."""
    rng = np.random.default_rng(seed)

    def weight(name, *shape):
        return numpy_helper.from_array((rng.standard_normal(shape) * 0.2).astype(np.float32), name)

    weights = [weight("w", 8, 8, 3, 3), weight("m", 8, 10), weight("b", 10)]
    weights.append(numpy_helper.from_array(np.array([2, 8, 36], np.int64), "shape"))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["conv"], ["gate"], name="gate"),
        helper.make_node("Mul", ["gate", "x"], ["gated"], name="gated"),
        helper.make_node("Tanh", ["gated"], ["tanh"], name="tanh"),
        helper.make_node("Add", ["tanh", "x"], ["sum"], name="sum"),
        helper.make_node("ReduceMean", ["sum"], ["mean"], name="mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "m"], ["product"], name="product"),
        helper.make_node("Add", ["product", "b"], ["biased"], name="biased"),
        helper.make_node("Softmax", ["biased"], ["y"], name="softmax", axis=1),
        helper.make_node("Reshape", ["sum", "shape"], ["flat"], name="flat"),
        helper.make_node("Transpose", ["flat"], ["z"], name="turned", perm=[0, 2, 1]),
    ]

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, f"chain{seed}", [value("x", [2, 8, 6, 6])], [value("y", [2, 10]), value("z", [2, 36, 8])], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize("make", [conv_model, chain_model, dense_model])
def test_every_operator_dumps_what_onnx_runtime_computes(make, make_model, tmp_path):
    model = make(3)
    inputs = random_inputs(model, 4)
    config, out = write_config(tmp_path)
    with dumping(config):
        model_id = must_load(make_model(model))
        outputs = run_once(model_id, inputs)
        must_unload(model_id)
    assert_close(outputs, expected_outputs(model, inputs))

    expected = every_tensor(model, inputs)
    names = [node.name for node in model.graph.node]
    values = [expected[node.output[0]] for node in model.graph.node]

    def equals(got, want):
        return got.size == want.size and np.abs(got.ravel() - want.ravel()).max() <= 1e-4 * np.abs(want).max()

    exact = 0
    for file in dump_files(out):
        assert file.version and file.name == file.op_name and file.dump_time == file.time
        assert not file.inputs and len(file.outputs) == 1
        if file.op_type == "Data":
            np.testing.assert_array_equal(file.outputs[0], inputs[0])
            continue
        # An operator that atc joined with the ones after it has the value of the last of them.
        first = names.index(file.op_name) if file.op_name in names else 0
        matches = [index for index in range(first, len(values)) if equals(file.outputs[0], values[index])]
        assert matches, file.op_name
        exact += file.op_name in names and matches[0] == first
    assert exact >= len(names) / 2


def test_layout_of_folders_and_names(make_model, tmp_path):
    model = conv_model(5, size=8)
    model.graph.name = "a.b c/d"
    config, out = write_config(tmp_path)
    with dumping(config):
        first, second = must_load(make_model(model)), must_load(make_model(model))
        for model_id in (first, first, second):
            run_once(model_id, random_inputs(model, 1))
        must_unload(first, second)
    files = dump_files(out)
    time, device = files[0].folders[0], files[0].folders[1]
    assert len(time) == 14 and time.isdigit() and device == "0"
    names = {file.folders[2] for file in files}
    assert len(names) == 1 and not set("./\\ ") & set(names.pop())
    assert {file.folders[3:] for file in files} == {(f"{first}", "0"), (f"{first}", "1"), (f"{second}", "0")}
    assert len({file.time for file in files}) == len(files), "every file has a time of its own"
    assert all(len(str(file.time)) == 16 for file in files)
    runs = {folders: [file.task for file in files if file.folders == folders] for folders in {f.folders for f in files}}
    assert all(tasks == sorted(set(tasks)) for tasks in runs.values())


def test_modes_dump_inputs_and_outputs(make_model, tmp_path):
    model, inputs = dense_model(6), None
    inputs = random_inputs(model, 6)
    outputs_of = {}
    for mode in ("input", "output", "all"):
        (tmp_path / mode).mkdir()
        config, out = write_config(tmp_path / mode, dump_mode=mode)
        with dumping(config):
            model_id = must_load(make_model(model))
            run_once(model_id, inputs)
            must_unload(model_id)
        outputs_of[mode] = dump_files(out)
    assert all(file.inputs and not file.outputs for file in outputs_of["input"])
    assert all(file.outputs and not file.inputs for file in outputs_of["output"])
    assert len(outputs_of["all"]) == len(outputs_of["input"]) + len(outputs_of["output"])
    last = next(file for file in outputs_of["input"] if file.op_name == "dense2")
    weight = numpy_helper.to_array(model.graph.initializer[2])
    np.testing.assert_array_equal(last.inputs[1], weight)
    hidden = every_tensor(model, inputs)["h2"]
    assert_close([last.inputs[0]], [hidden])


def test_layers_and_model_names_choose(make_model, tmp_path):
    model = conv_model(7, size=8)
    inputs = random_inputs(model, 7)
    data = make_model(model)

    def dumped(entry, path=None):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        config, out = write_config(folder, dump_level="op", dump_list=entry)
        with dumping(config):
            if path:
                model_id, ret = acl.mdl.load_from_file(str(path))
                assert ret == 0, message()
            else:
                model_id = must_load(data)
            run_once(model_id, inputs)
            must_unload(model_id)
        return dump_files(out)

    everything = {file.op_name for file in dumped([{}])}
    name = dumped([{}])[0].folders[2]
    assert {"conv3"} == {file.op_name for file in dumped([{"layer": ["conv3"]}])}
    assert everything == {file.op_name for file in dumped([{"model_name": name}])}
    assert not dumped([{"model_name": "another"}])
    path = tmp_path / "shop window.om"
    path.write_bytes(data)
    files = dumped([{"model_name": "shop window", "layer": ["conv3"]}, {"model_name": name}], path)
    assert {file.op_name for file in files} == {"conv3"} and files[0].folders[2] == "shop_window"
    assert "x" in {file.op_name for file in dumped([{"layer": ["conv1"]}])}, "inputs go with their readers"
    order = [file.op_name for file in dumped([{}]) if file.op_type != "Data"]
    ranged = dumped([{"model_name": name, "opname_range": [{"begin": order[0], "end": order[1]}]}])
    assert [file.op_name for file in ranged if file.op_type != "Data"] == order[:2]
    left = dumped([{"opname_blacklist": [{"name": "conv3", "pos": ["output0"]}]}])
    assert {file.op_name for file in left} == everything - {"conv3"}


def test_operators_go_by_their_original_names_too(make_model, tmp_path):
    model = dense_model(20)
    inputs = random_inputs(model, 20)
    config, out = write_config(tmp_path, dump_list=[{"layer": ["bias1"]}])
    with dumping(config):
        model_id = must_load(make_model(model))
        run_once(model_id, inputs)
        must_unload(model_id)
    (file,) = [file for file in dump_files(out) if file.op_type != "Data"]
    assert file.op_name == "dense1" and file.originals == ["bias1"], "atc joins the two"
    assert_close(file.outputs, [every_tensor(model, inputs)["h1"]])


def test_steps_choose_executions(make_model, tmp_path):
    model = dense_model(8)
    config, out = write_config(tmp_path, dump_step="1|3-4")
    with dumping(config):
        model_id = must_load(make_model(model))
        for _ in range(6):
            run_once(model_id, random_inputs(model, 8))
        must_unload(model_id)
    assert {file.folders[4] for file in dump_files(out)} == {"1", "3", "4"}


def test_statistics(make_model, tmp_path):
    model = dense_model(9)
    inputs = random_inputs(model, 9)
    config, out = write_config(tmp_path, dump_data="stats")
    with dumping(config):
        model_id = must_load(make_model(model))
        outputs = run_once(model_id, inputs)
        must_unload(model_id)
    table = next(path for path in out.rglob("*.csv") if ".dense2." in path.name)
    (row,) = csv.DictReader(table.read_text().splitlines())
    wanted = outputs[0]
    assert row["Input/Output"] == "Output" and row["Index"] == "0" and row["Data Type"] == "DT_FLOAT"
    assert row["Data Size"] == str(wanted.nbytes) and row["Shape"] == "2x10" and row["Count"] == "20"
    for column, value in (("Max Value", wanted.max()), ("Min Value", wanted.min()), ("Avg Value", wanted.mean())):
        assert float(row[column]) == pytest.approx(float(value), rel=1e-5)
    assert (row["Nan Count"], row["Negative Inf Count"], row["Positive Inf Count"]) == ("0", "0", "0")

    (tmp_path / "chosen").mkdir()
    config, out = write_config(tmp_path / "chosen", dump_data="stats", dump_stats=["L2norm", "Nan"])
    with dumping(config):
        model_id = must_load(make_model(model))
        run_once(model_id, [np.full_like(inputs[0], np.nan)])
        must_unload(model_id)
    table = next(path for path in out.rglob("*.csv") if ".dense2." in path.name)
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert list(row)[6:] == ["Nan Count", "l2norm"] and row["Nan Count"] == "20" and row["l2norm"] == "0"


def test_only_models_loaded_while_the_dump_is_set(make_model, tmp_path):
    model = dense_model(10)
    inputs = random_inputs(model, 10)
    config, out = write_config(tmp_path)
    assert acl.mdl.init_dump() == 0
    before = must_load(make_model(model))
    assert acl.mdl.set_dump(config) == 0
    run_once(before, inputs)
    assert not dump_files(out)
    during = must_load(make_model(model))
    run_once(during, inputs)
    count = len(dump_files(out))
    assert count > 0
    assert acl.mdl.finalize_dump() == 0
    result = run_once(during, inputs)
    assert len(dump_files(out)) == count, "a finalised dump writes nothing more"
    assert_close(result, expected_outputs(model, inputs))
    must_unload(before, during)


def test_sizes_asked_for_earlier_still_suffice(make_model, tmp_path):
    data = make_model(conv_model(11))
    inputs = random_inputs(conv_model(11), 11)
    work, weight = sizes(data)
    areas = [acl.rt.malloc(max(size, 1), 0)[0] for size in (work, weight)]
    config, out = write_config(tmp_path)
    with dumping(config):
        assert sizes(data) == (work, weight)
        model_id = must_load(data, (areas[0], work), (areas[1], weight))
        assert_close(run_once(model_id, inputs), expected_outputs(conv_model(11), inputs))
        must_unload(model_id)
    assert dump_files(out)
    for area in areas:
        assert acl.rt.free(area) == 0


def test_asynchronous_executions_are_dumped(make_model, tmp_path):
    model = dense_model(12)
    config, out = write_config(tmp_path)
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    with dumping(config):
        model_id = must_load(make_model(model))
        with Runner(model_id, random_inputs(model, 12)) as runner:
            runner.enqueue(stream)
            assert acl.rt.synchronize_stream(stream) == 0, message()
        must_unload(model_id)
    assert {"dense2"} <= {file.op_name for file in dump_files(out)}
    assert acl.rt.destroy_stream(stream) == 0


def test_long_names_are_kept_in_a_table(make_model, tmp_path):
    model = dense_model(13)
    model.graph.node[3].name = "n" * 300
    config, out = write_config(tmp_path)
    with dumping(config):
        model_id = must_load(make_model(model))
        outputs = run_once(model_id, random_inputs(model, 13))
        must_unload(model_id)
    (table,) = out.rglob("mapping.csv")
    ((short, name),) = csv.reader(table.read_text().splitlines())
    assert short.isdigit() and name.split(".")[1] == "n" * 300
    file = DumpFile(table.with_name(name), (table.parent / short).read_bytes())
    np.testing.assert_array_equal(file.outputs[0], outputs[0])


def test_callback_takes_the_place_of_files(make_model, tmp_path):
    model = conv_model(14, channels=64, size=96)
    inputs = random_inputs(model, 14)
    config, out = write_config(tmp_path, dump_list=[{"layer": ["conv3"]}])
    chunks = []

    def take(chunk):
        chunks.append({**chunk, "data": ctypes.string_at(chunk["data_buf"], chunk["buf_len"])})

    assert acl.mdl.dump_reg_callback(take, 0) == 0, message()
    try:
        with dumping(config):
            model_id = must_load(make_model(model))
            outputs = run_once(model_id, inputs)
            must_unload(model_id)
    finally:
        acl.mdl.dump_unreg_callback()
    assert not list(out.iterdir())
    assert len(chunks) > 1 and [chunk["is_last_chunk"] for chunk in chunks] == [0] * (len(chunks) - 1) + [1]
    assert [chunk["offset"] for chunk in chunks] == list(np.cumsum([0] + [chunk["buf_len"] for chunk in chunks[:-1]]))
    assert len({chunk["file_name"] for chunk in chunks}) == 1
    assert chunks[0]["file_name"].startswith(f"{out}/")
    file = DumpFile(chunks[0]["file_name"], b"".join(chunk["data"] for chunk in chunks))
    np.testing.assert_array_equal(file.outputs[0].ravel(), outputs[0].ravel())


def test_callback_alone_gets_everything_and_may_execute(make_model):
    model = dense_model(15)
    inputs = random_inputs(model, 15)
    seen, nested = [], []

    def take(chunk):
        seen.append(chunk["file_name"])
        if len(nested) == 0:
            nested.append(None)
            nested[0] = run_once(model_id, inputs)

    assert acl.mdl.init_dump() == 0
    assert acl.mdl.dump_reg_callback(take, 0) == 0
    model_id = must_load(make_model(model))
    outputs = run_once(model_id, inputs)
    acl.mdl.dump_unreg_callback()
    count = len(seen)
    run_once(model_id, inputs)
    assert len(seen) == count and any(".dense2." in name for name in seen)
    np.testing.assert_array_equal(nested[0][0], outputs[0])
    assert acl.mdl.finalize_dump() == 0
    must_unload(model_id)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_refused_callbacks(make_model, tmp_path):
    assert acl.mdl.dump_reg_callback(print, 1) == 500001
    text = message()
    assert "EP0006" in text and "flag" in text and "1" in text

    def refuse(chunk):
        raise ValueError("no room")

    config, _ = write_config(tmp_path)
    assert acl.mdl.dump_reg_callback(refuse, 0) == 0
    with dumping(config):
        model_id = must_load(make_model(dense_model(16)))
        with Runner(model_id, random_inputs(dense_model(16), 1)) as runner:
            code = acl.mdl.execute(model_id, runner.input_set, runner.output_set)
            acl.mdl.dump_unreg_callback()
            assert code == 100004
            assert "acldumpRegCallback" in message()
        must_unload(model_id)


def test_a_folder_that_goes_away_fails_the_execution(make_model, tmp_path):
    config, out = write_config(tmp_path)
    model = dense_model(17)
    with dumping(config):
        model_id = must_load(make_model(model))
        out.rmdir()
        with Runner(model_id, random_inputs(model, 17)) as runner:
            assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 100004
            text = message()
            assert "EH0004" in text and str(out) in text
        must_unload(model_id)


CONFLICT, ITEM, CHOICE, VALUE = "EP0005", "EP0001", "EP0002", "EP0003"


@pytest.mark.parametrize(
    ("dump", "code", "words"),
    [
        ({"dump_path": None}, ITEM, "dump_path"),
        ({"dump_path": ""}, ITEM, "dump_path"),
        ({"dump_path": 5}, ITEM, "dump_path"),
        ({"dump_path": "/no/such/folder"}, VALUE, "/no/such/folder"),
        ({"dump_path": "/" + "a" * 600}, VALUE, "512"),
        ({"dump_mode": "both"}, CHOICE, "input, output, all"),
        ({"dump_mode": ""}, ITEM, "dump_mode"),
        ({"dump_level": "task"}, CHOICE, "op, kernel, all"),
        ({"dump_data": "text"}, CHOICE, "tensor, stats"),
        ({"dump_op_switch": "yes"}, CHOICE, "on, off"),
        ({"dump_kernel_data": "printf,words"}, CHOICE, "words"),
        ({"dump_step": "1|x"}, VALUE, "'x'"),
        ({"dump_step": "1-2-3"}, VALUE, "1-2-3"),
        ({"dump_step": "5-2"}, VALUE, "5-2"),
        ({"dump_step": "|".join(map(str, range(101)))}, VALUE, "101"),
        ({"dump_list": {}}, ITEM, "dump_list"),
        ({"dump_list": [1]}, ITEM, "dump_list"),
        ({"dump_list": [{"model_name": ""}]}, ITEM, "dump_list"),
        ({"dump_list": [{"layer": []}]}, ITEM, "dump_list"),
        ({"dump_list": [{"layer": [1]}]}, ITEM, "layer"),
        ({"dump_list": [{"watcher_nodes": ["a"]}]}, CONFLICT, "watcher_nodes"),
        ({"dump_list": [{"optype_blacklist": [{"name": "Add", "pos": ["input0"]}]}]}, CONFLICT, "optype_blacklist"),
        (
            {"dump_level": "op", "dump_list": [{"opname_blacklist": [{"name": "a", "pos": ["in0"]}]}]},
            VALUE,
            "in0",
        ),
        ({"dump_level": "op", "dump_list": [{"opname_blacklist": [{}] * 101}]}, VALUE, "101"),
        ({"dump_level": "op", "dump_list": [{"opname_range": [{"begin": "a", "end": "b"}]}]}, CONFLICT, "model_name"),
        (
            {"dump_level": "op", "dump_list": [{"model_name": "m", "opname_range": [{"begin": "a"}]}]},
            ITEM,
            "opname_range",
        ),
        ({"dump_stats": ["Max"]}, CONFLICT, "dump_stats"),
        ({"dump_data": "stats", "dump_stats": []}, ITEM, "dump_stats"),
        ({"dump_data": "stats", "dump_stats": ["Median"]}, CHOICE, "Median"),
        ({"dump_scene": "storm"}, CHOICE, "storm"),
        ({"dump_scene": "watcher", "dump_mode": "all"}, CONFLICT, "watcher"),
        ({"dump_scene": "lite_exception", "dump_debug": "on"}, CONFLICT, "dump_debug"),
        ({"dump_debug": "on", "dump_op_switch": "on"}, CONFLICT, "dump_op_switch"),
    ],
)
def test_refused_configurations(dump, code, words, tmp_path):
    config, _ = write_config(tmp_path, **dump)
    assert acl.mdl.init_dump() == 0
    assert acl.mdl.set_dump(config) == 100009
    text = message()
    assert code in text and words in text and config in text
    assert acl.mdl.finalize_dump() == 0


@pytest.mark.parametrize(
    "dump",
    [{"dump_debug": "on"}, {"dump_scene": "watcher", "dump_list": [{"watcher_nodes": ["a"]}]}],
)
def test_what_only_an_npu_can_find_out(dump, tmp_path):
    config, _ = write_config(tmp_path, **dump)
    assert acl.mdl.init_dump() == 0
    assert acl.mdl.set_dump(config) == 207000
    assert "CPU" in message()
    assert acl.mdl.finalize_dump() == 0


def test_files_that_set_nothing(make_model, tmp_path):
    model = dense_model(18)
    for number, text in enumerate(["", "{}", json.dumps({"dump": {"dump_scene": "aic_err_brief_dump"}})]):
        config = tmp_path / f"{number}.json"
        config.write_text(text)
        with dumping(str(config)):
            model_id = must_load(make_model(model))
            run_once(model_id, random_inputs(model, 18))
            must_unload(model_id)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.json", "1.json", "2.json"]


def test_unusable_files(tmp_path):
    assert acl.mdl.init_dump() == 0
    assert acl.mdl.set_dump(str(tmp_path / "none.json")) == 100003
    assert "none.json" in message()
    config = tmp_path / "acl.json"
    config.write_text("{")
    assert acl.mdl.set_dump(str(config)) == 100006
    message()
    config.write_text('{"dump": []}')
    assert acl.mdl.set_dump(str(config)) == 100009
    assert "EP0001" in message()
    assert acl.mdl.finalize_dump() == 0


INIT = """
import acl, numpy as np, sys
sys.path.insert(0, sys.argv[3])
from model_support import must_load, run_once, message
assert acl.init(sys.argv[1]) == 0, message()
assert acl.rt.set_device(0) == 0
assert acl.mdl.init_dump() == 100044
assert "EP0008" in message()
model_id = must_load(open(sys.argv[2], "rb").read())
run_once(model_id, [np.ones((2, 24), np.float32)])
assert acl.mdl.unload(model_id) == 0
assert acl.rt.reset_device(0) == 0 and acl.finalize() == 0
"""


def test_configuration_of_init(make_model, tmp_path):
    config, out = write_config(tmp_path)
    model = tmp_path / "model.om"
    model.write_bytes(make_model(dense_model(19)))
    command = [sys.executable, "-c", INIT, config, str(model), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert {"dense1", "dense2"} & {file.op_name for file in dump_files(out)}

    config, _ = write_config(tmp_path, dump_path="/no/such/folder")
    check = "import acl, sys; assert acl.init(sys.argv[1]) == 100009; assert 'EP0003' in acl.get_recent_err_msg()"
    done = subprocess.run([sys.executable, "-c", check, config], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
