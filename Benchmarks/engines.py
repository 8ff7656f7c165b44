# SPDX-License-Identifier: Apache-2.0
"""The three engines behind one small interface.

An engine is made for one model in one process. Its constructor does what a program does once, outside any timing: it
imports the library, starts it, and brings the model's bytes into memory. Then:

    model = engine.load(); model.bind(inputs); model.run(); model.outputs()

`engine.load_further(model)` loads the same bytes again, sharing with `model` whatever the engine lets share, and
`model.bind_like(other)` binds it to the buffers of `other`. `engine.enter_thread()` is called first in a new thread.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

import models

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

Arrays = dict[str, np.ndarray]


class OrtModel:
    def __init__(self, session):
        self._session = session

    def bind_like(self, other: OrtModel) -> None:
        self.bind(other._inputs)

    def bind(self, inputs: Arrays) -> None:
        self._inputs = inputs

    def run(self) -> None:
        self._outputs = self._session.run(None, self._inputs)

    def outputs(self) -> list[np.ndarray]:
        return self._outputs

    def for_thread(self) -> OrtModel:
        """Another model for another Python thread: sessions may be shared."""
        return OrtModel(self._session)


class Engine:
    def enter_thread(self) -> None:
        """Nothing to do for the peers."""


class OrtEngine(Engine):
    """ONNX Runtime with its default options but the number of threads."""

    def __init__(self, path: Path, threads: int):
        import onnxruntime

        self._ort = onnxruntime
        self._data = path.read_bytes()
        self._threads = threads

    def load(self) -> OrtModel:
        options = self._ort.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return OrtModel(self._ort.InferenceSession(self._data, options, providers=["CPUExecutionProvider"]))

    def load_further(self, model: OrtModel) -> OrtModel:
        return self.load()


class OpenVinoModel:
    def __init__(self, compiled):
        self._compiled = compiled
        self._request = compiled.create_infer_request()

    def bind_like(self, other: OpenVinoModel) -> None:
        self._inputs = other._inputs

    def bind(self, inputs: Arrays) -> None:
        self._inputs = list(inputs.values())

    def run(self) -> None:
        self._outputs = self._request.infer(self._inputs, share_inputs=True, share_outputs=True)

    def outputs(self) -> list[np.ndarray]:
        return [np.array(self._outputs[i]) for i in range(len(self._compiled.outputs))]

    def for_thread(self) -> OpenVinoModel:
        return OpenVinoModel(self._compiled)


class OpenVinoEngine(Engine):
    """OpenVINO in float32, tuned for latency; for several Python threads with as many streams as there are cores."""

    def __init__(self, path: Path, threads: int):
        import openvino

        self._core = openvino.Core()
        self._data = path.read_bytes()
        self._threads = threads

    def load(self, streams: int = 1) -> OpenVinoModel:
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": self._threads * streams,
            "NUM_STREAMS": streams,
        }
        return OpenVinoModel(self._core.compile_model(self._core.read_model(self._data), "CPU", options))

    def load_further(self, model: OpenVinoModel) -> OpenVinoModel:
        return self.load()

    def load_shared(self) -> OpenVinoModel:
        return self.load(streams=len(os.sched_getaffinity(0)))


class AclModel:
    """A model on `acl`, bound to numpy arrays: what is timed is `acl.mdl.execute` and nothing else."""

    def __init__(self, engine: AclEngine, model_id: int, work: int, weights: int):
        self._engine, self._id, self.work, self.weights = engine, model_id, work, weights

    def bind(self, inputs: Arrays) -> None:
        from acl_model import DTYPES, check, checked

        mdl = self._engine.acl.mdl
        desc = mdl.create_desc()
        check(mdl.get_desc(desc, self._id), "acl.mdl.get_desc")
        self._inputs = [np.ascontiguousarray(a) for a in inputs.values()]
        self._outputs = []
        for index in range(mdl.get_num_outputs(desc)):
            dims = checked(mdl.get_output_dims(desc, index), "acl.mdl.get_output_dims")["dims"]
            self._outputs.append(np.empty(dims, DTYPES[mdl.get_output_data_type(desc, index)]))
        sizes = [mdl.get_input_size_by_index(desc, i) for i in range(mdl.get_num_inputs(desc))]
        if sizes != [a.nbytes for a in self._inputs]:
            raise ValueError(f"the model wants inputs of {sizes} bytes, not {[a.nbytes for a in self._inputs]}")
        check(mdl.destroy_desc(desc), "acl.mdl.destroy_desc")
        self._call = (self._id, self._dataset(self._inputs), self._dataset(self._outputs))
        self._execute = mdl.execute

    def bind_like(self, other: AclModel) -> None:
        self._outputs = other._outputs
        self._call = (self._id, *other._call[1:])
        self._execute = other._execute

    def _dataset(self, arrays: list[np.ndarray]) -> int:
        from acl_model import checked

        acl = self._engine.acl
        dataset = acl.mdl.create_dataset()
        for array in arrays:
            buffer = acl.create_data_buffer(array.ctypes.data, array.nbytes)
            checked(acl.mdl.add_dataset_buffer(dataset, buffer), "acl.mdl.add_dataset_buffer")
        return dataset

    def run(self) -> None:
        code = self._execute(*self._call)
        if code:
            raise RuntimeError(f"acl.mdl.execute returned {code}: {self._engine.acl.get_recent_err_msg()}")

    def outputs(self) -> list[np.ndarray]:
        return self._outputs

    def for_thread(self) -> AclModel:
        """A load of its own with its own workspace, on the same weights."""
        return self._engine.load_further(self, own_workspace=True)


class AclEngine(Engine):
    """This project: weights and workspace in memory that the caller owns. Threads come from PYACLMDL_NUM_THREADS."""

    def __init__(self, path: Path, threads: int):
        import acl
        from acl_model import REPEAT_INITIALIZE, check

        assert os.environ["PYACLMDL_NUM_THREADS"] == str(threads)
        self.acl = acl
        self._data = path.read_bytes()
        self._address = acl.util.bytes_to_ptr(self._data)
        code = acl.init()
        if code != REPEAT_INITIALIZE:  # another engine of this process has done it
            check(code, "acl.init")
        check(acl.rt.set_device(0), "acl.rt.set_device")

    def enter_thread(self) -> None:
        from acl_model import check

        check(self.acl.rt.set_device(0), "acl.rt.set_device")

    def load(self) -> AclModel:
        from acl_model import checked, malloc

        sizes = checked(self.acl.mdl.query_size_from_mem(self._address, len(self._data)), "query_size_from_mem")
        self.work_size, self.weight_size = sizes
        return self._load(malloc(self.work_size), malloc(self.weight_size))

    def _load(self, work: int, weights: int) -> AclModel:
        from acl_model import checked

        load = self.acl.mdl.load_from_mem_with_mem
        arguments = (self._address, len(self._data), work, self.work_size, weights, self.weight_size)
        return AclModel(self, checked(load(*arguments), "acl.mdl.load_from_mem_with_mem"), work, weights)

    def load_further(self, model: AclModel, own_workspace: bool = False) -> AclModel:
        from acl_model import malloc

        return self._load(malloc(self.work_size) if own_workspace else model.work, model.weights)


ENGINES = {"acl": AclEngine, "ort": OrtEngine, "ov": OpenVinoEngine}
PEERS = ("ort", "ov")


def model_file(engine: str, name: str) -> Path:
    """The file that `engine` loads: the ONNX model, for `acl` converted with atc."""
    from convert import convert

    onnx = models.onnx_path(name)
    return convert(onnx, models.dims_option(name), models.CACHE) if engine == "acl" else onnx
