# SPDX-License-Identifier: Apache-2.0
"""Makes what the fuzzing programs start from, out of the builders of the Python tests: seeds and words.

usage: seeds.py FOLDER ATC
"""

import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "Tests" / "Python"), str(ROOT / "Benchmarks")]

import model_support  # noqa: E402
import test_aipp  # noqa: E402
import test_atc_operators  # noqa: E402
import test_control_flow  # noqa: E402
import test_dynamic_shapes  # noqa: E402
import test_gears  # noqa: E402
import test_media  # noqa: E402

# Larger seeds make each execution slow.
LARGEST = 16384


class Corpus:
    def __init__(self, folder, atc):
        self._folder, self._atc = folder, atc
        self._numbers = {}

    def add(self, target, data):
        if len(data) > LARGEST:
            return
        number = self._numbers[target] = self._numbers.get(target, 0) + 1
        folder = self._folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed{number:04}").write_bytes(data)

    def add_converted(self, model, *options, config=None):
        """The offline model that atc makes, for the target `model`; what atc refuses is left out."""
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, "m.onnx"), Path(folder, "m.om")
            source.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
            command = [self._atc, f"--model={source}", "--framework=5", f"--output={result.with_suffix('')}", *options]
            if config is not None:
                Path(folder, "aipp.cfg").write_text(config)
                command.append(f"--insert_op_conf={folder}/aipp.cfg")
            if subprocess.run(command, capture_output=True, timeout=60).returncode == 0:
                self.add("model", result.read_bytes())


def single_operators():
    """ONNX's own cases of single operators, once with their inputs as constants, once as they are."""
    for parameter in test_atc_operators._cases():
        model, inputs, _ = parameter.values
        yield test_atc_operators._freeze(model, inputs)
        clamped = onnx.ModelProto()
        clamped.CopyFrom(model)
        for opset in clamped.opset_import:
            opset.version = min(opset.version, 21)
        yield clamped


def add_models(corpus):
    for model in single_operators():
        corpus.add("onnx", model.SerializeToString())
        corpus.add_converted(model)
    networks = [
        model_support.add_model(),
        model_support.dense_model(1, inner=8, features=6, classes=4),
        model_support.conv_model(1, channels=4, size=6),
    ]
    for model in networks:
        corpus.add("onnx", model.SerializeToString())
        corpus.add_converted(model)
    small = test_gears.conv_net(channels=4)
    corpus.add_converted(small, "--input_shape=x:-1,3,6,5", "--dynamic_batch_size=1,2,4")
    corpus.add_converted(small, "--input_shape=x:2,3,-1,-1", "--dynamic_image_size=8,6;4,12")
    corpus.add_converted(
        test_gears.product_net(), "--input_shape=b:-1,24;a:-1,-1,24", "--dynamic_dims=1,1,3;2,2,5;4,4,1"
    )


def add_regions(corpus):
    """Models whose branches or shapes only an execution knows."""
    controlled = [parameter.values[0] for parameter in test_control_flow.CASES]
    for model in [*controlled, test_control_flow.nested(), test_control_flow.endless()]:
        corpus.add("onnx", model.SerializeToString())
        corpus.add_converted(model)
    for parameter in test_dynamic_shapes.cases():
        model, shapes, _ = parameter.values
        corpus.add("onnx", model.SerializeToString())
        corpus.add_converted(model, f"--input_shape={shapes}")


def add_aipp(corpus):
    for layout, height, width, fields, _ in test_aipp.STATIC.values():
        text = test_aipp.configuration(aipp_mode="static", input_format=layout, **fields)
        corpus.add("aipp", text.encode())
        for channels in (1, 3):
            shape = [1, channels, fields.get("crop_size_h", height), fields.get("crop_size_w", width)]
            sizes = f" src_image_size_w: {width} src_image_size_h: {height} }}"
            corpus.add_converted(test_aipp.identity(shape), config=text[:-1] + sizes)
    text = test_aipp.configuration(aipp_mode="dynamic", max_src_image_size=1024)
    corpus.add("aipp", text.encode())
    corpus.add_converted(test_aipp.identity([1, 3, 8, 8]), config=text)


def add_configurations(corpus):
    dump = {
        "dump_list": [{"model_name": "m", "layer": ["a", "b"]}, {"model_name": "n"}],
        "dump_path": "/tmp",
        "dump_mode": "all",
        "dump_op_switch": "off",
        "dump_level": "op",
        "dump_data": "stats",
        "dump_step": "0|3-5|10",
        "dump_stats": ["Max", "Min"],
    }
    texts = [
        {},
        {"dump": dump},
        {"dump": {**dump, "dump_scene": "lite_exception"}},
        {
            "dump": {
                **dump,
                "dump_list": [{"model_name": "m", "optype_blacklist": [{"name": "Add", "pos": ["input0"]}]}],
            }
        },
        {"dump": {**dump, "dump_list": [{"model_name": "m", "opname_range": [{"begin": "a", "end": "b"}]}]}},
        {"profiler": {"switch": "on"}, "err_msg_mode": "1", "defaultDevice": {"default_device": "0"}},
        {"StackSize": {"aicore_stack_size": 32768}, "max_opqueue_num": "10000", "acl_graph": {"event_mode": "1"}},
        {"text": '\u00e9\u20ac\U0001f600"\\\n', "numbers": [0, -1.5e-3, 1e99], "nothing": [None, True, False, [[]]]},
    ]
    for text in texts:
        for indent in (None, 1):
            corpus.add("json", json.dumps(text, indent=indent).encode())


def add_pictures(corpus):
    for sampling in test_media.SAMPLINGS:
        for orientation in (None, 6):
            corpus.add("jpeg", test_media.jpeg(16, 8, sampling, orientation))


def words():
    """Names and values of attributes, and types of operators, as the sources spell them."""
    found = set()
    for folder in ("Operators", "ONNXImport", "Executable", "OfflineModel", "CoreLoader/Model"):
        for path in (ROOT / "Sources" / folder).rglob("*.swift"):
            found |= set(re.findall(r'"([A-Za-z_][A-Za-z0-9_]{1,40})"', path.read_text()))
    return sorted(found)


def dictionary(texts):
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in text) + '"\n' for text in texts)


def write_words(folder):
    (folder / "words").write_text("\n".join(words()) + "\n")
    numbers = [struct.pack("<q", value) for value in (-1, -(2**63), 2**63 - 1, 2**62, 2**47, 2**31, 0)]
    (folder / "model.dict").write_text(dictionary(numbers))
    schema = (ROOT / "Sources/ONNXImport/Protos/insert_op.proto").read_text()
    fields = set(re.findall(r"\b([a-z][a-z0-9_]+|[A-Z][A-Z0-9_]+)\s*=\s*\d+;", schema))
    (folder / "aipp.dict").write_text(dictionary(f"{name}: ".encode() for name in sorted(fields)))
    reading = (ROOT / "Sources/CoreLoader/Dump/DumpSettings+Reading.swift").read_text()
    reading += (ROOT / "Sources/CoreLoader/Runtime/Configuration.swift").read_text()
    keys = set(re.findall(r'"([A-Za-z][A-Za-z0-9_]+)"', reading))
    (folder / "json.dict").write_text(dictionary(f'"{name}"'.encode() for name in sorted(keys)))


def main(folder, atc):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(folder, atc)
    add_models(corpus)
    add_regions(corpus)
    add_aipp(corpus)
    add_configurations(corpus)
    add_pictures(corpus)
    write_words(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
