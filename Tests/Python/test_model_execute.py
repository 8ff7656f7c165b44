# SPDX-License-Identifier: Apache-2.0
"""Datasets and execution: checks, sizes, streams, and memory that cannot be used."""

import ctypes
import threading

import numpy as np
import pytest

import acl
from model_support import (
    Area,
    Runner,
    add_model,
    assert_close,
    conv_model,
    dataset,
    dense_model,
    expected_outputs,
    message,
    must_load,
    must_unload,
    random_inputs,
)

INVALID_PARAM = 100000
GE_FAILURE = 500002
MODEL_ID_INVALID = 145003

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture
def add_eight(make_model):
    """A loaded y = a + b over eight floats (32 bytes)."""
    model_id = must_load(make_model(add_model(8)))
    yield model_id
    if acl.mdl.unload(model_id) != 0:
        acl.get_recent_err_msg()


def execute(model_id, inputs, outputs):
    input_set, input_buffers = dataset(inputs)
    output_set, output_buffers = dataset(outputs)
    try:
        return acl.mdl.execute(model_id, input_set, output_set)
    finally:
        for one in (input_set, output_set):
            assert acl.mdl.destroy_dataset(one) == 0
        for buffer in input_buffers + output_buffers:
            assert acl.destroy_data_buffer(buffer) == 0


def floats(count, value=1.0):
    return np.full(count, value, dtype=np.float32)


def test_results_equal_the_reference(make_model):
    for onnx_model in (conv_model(3), dense_model(4), add_model(1)):
        model_id = must_load(make_model(onnx_model))
        inputs = random_inputs(onnx_model, 5)
        with Runner(model_id, inputs) as runner:
            assert_close(runner.run(), expected_outputs(onnx_model, inputs))
        must_unload(model_id)


def test_number_of_buffers(add_eight):
    for inputs, outputs in [(1, 1), (3, 1), (0, 1), (2, 0), (2, 2)]:
        code = execute(add_eight, [floats(8)] * inputs, [floats(8) for _ in range(outputs)])
        assert code == GE_FAILURE, (inputs, outputs)
        assert "E13025" in message()


@pytest.mark.parametrize("count", range(0, 9))
def test_short_buffers_up_to_32_bytes_and_nothing_beyond_them(add_eight, count):
    """The tolerance of the original, without its reads and writes beyond the buffer."""
    whole = Area(32), Area(32)
    inputs = []
    for area in whole:
        array = np.frombuffer((ctypes.c_byte * (4 * count)).from_address(area.address + 32 - 4 * count), np.float32)
        inputs.append(array if count else np.empty(0, np.float32))
    for array, value in zip(inputs, (2.0, 3.0), strict=True):
        array[:] = value
    result = Area(4 * count or 1)
    output = np.frombuffer((ctypes.c_byte * (4 * count)).from_address(result.address), np.float32)
    assert execute(add_eight, inputs, [output]) == 0, message()
    np.testing.assert_array_equal(output, floats(count, 5.0))
    result.check()


def test_buffers_that_are_too_short(make_model):
    model_id = must_load(make_model(add_model(24)))
    for short in (0, 1, 15):
        assert execute(model_id, [floats(24), floats(short)], [floats(24)]) == GE_FAILURE
        assert "E13025" in message()
        assert execute(model_id, [floats(24), floats(24)], [floats(short)]) == GE_FAILURE
        assert "E13025" in message()
    assert execute(model_id, [floats(24), floats(16)], [floats(24)]) == 0
    assert execute(model_id, [floats(30), floats(1000)], [floats(25)]) == 0
    must_unload(model_id)


def test_null_datasets_and_handles_that_are_none(add_eight):
    input_set, buffers = dataset([floats(8), floats(8)])
    output_set, more = dataset([floats(8)])
    assert acl.mdl.execute(add_eight, 0, output_set) == INVALID_PARAM
    assert "EH0002" in message()
    assert acl.mdl.execute(add_eight, input_set, 0) == INVALID_PARAM
    assert "EH0002" in message()
    for wrong in (1, 4096, buffers[0], 2**63, input_set + 1, id(buffers)):
        assert acl.mdl.execute(add_eight, wrong, output_set) == INVALID_PARAM
        message()
    # A wrong id with a null dataset reports the dataset.
    assert acl.mdl.execute(12345, 0, 0) == INVALID_PARAM
    message()
    assert acl.mdl.execute(12345, input_set, output_set) == MODEL_ID_INVALID
    message()
    assert acl.mdl.destroy_dataset(input_set) == 0
    assert acl.mdl.destroy_dataset(input_set) == INVALID_PARAM
    assert "destroyed" in message()
    assert acl.mdl.execute(add_eight, input_set, output_set) == INVALID_PARAM
    message()
    assert acl.mdl.destroy_dataset(output_set) == 0
    for buffer in buffers + more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_a_destroyed_buffer_in_a_dataset(add_eight):
    input_set, buffers = dataset([floats(8), floats(8)])
    output_set, more = dataset([floats(8)])
    assert acl.destroy_data_buffer(buffers[1]) == 0
    assert acl.mdl.execute(add_eight, input_set, output_set) == INVALID_PARAM
    assert "destroyed" in message()
    assert acl.mdl.destroy_dataset(input_set) == 0
    assert acl.mdl.destroy_dataset(output_set) == 0
    for buffer in [buffers[0], *more]:
        assert acl.destroy_data_buffer(buffer) == 0


def test_dataset_functions():
    arrays = [floats(8), floats(4)]
    handle, buffers = dataset(arrays)
    assert acl.mdl.get_dataset_num_buffers(handle) == 2
    assert [acl.mdl.get_dataset_buffer(handle, index) for index in range(2)] == buffers
    assert acl.mdl.get_dataset_buffer(handle, 2) == 0
    assert "EH0001" in message()
    assert acl.mdl.get_dataset_num_buffers(0) == 0
    message()
    assert acl.mdl.add_dataset_buffer(handle, 0)[1] == INVALID_PARAM
    message()
    assert acl.mdl.add_dataset_buffer(0, buffers[0])[1] == INVALID_PARAM
    message()

    desc = acl.create_tensor_desc(0, [2, 4], 2)
    assert acl.mdl.get_dataset_tensor_desc(handle, 0) == 0
    assert acl.mdl.set_dataset_tensor_desc(handle, desc, 0) == (handle, 0)
    copy = acl.mdl.get_dataset_tensor_desc(handle, 0)
    assert copy not in (0, desc)
    assert acl.destroy_tensor_desc(desc) is None
    assert [acl.get_tensor_desc_dim_v2(copy, index) for index in range(2)] == [(2, 0), (4, 0)]
    assert acl.mdl.set_dataset_tensor_desc(handle, 0, 0) == (handle, 0)
    assert acl.mdl.get_dataset_tensor_desc(handle, 0) == 0
    assert acl.mdl.set_dataset_tensor_desc(handle, 0, 2)[1] == INVALID_PARAM
    message()
    assert acl.mdl.destroy_dataset(handle) == 0
    assert acl.mdl.destroy_dataset(0) == INVALID_PARAM
    message()
    for buffer in buffers:
        assert acl.destroy_data_buffer(buffer) == 0


def test_outputs_without_an_address_are_allocated(add_eight):
    input_set, buffers = dataset([floats(8, 2.0), floats(8, 4.0)])
    output_set = acl.mdl.create_dataset()
    output = acl.create_data_buffer(0, 0)
    acl.mdl.add_dataset_buffer(output_set, output)
    assert acl.mdl.execute(add_eight, input_set, output_set) == 0, message()
    address, size = acl.get_data_buffer_addr(output), acl.get_data_buffer_size_v2(output)
    assert address != 0 and size == 32
    np.testing.assert_array_equal(np.frombuffer(ctypes.string_at(address, 32), np.float32), floats(8, 6.0))
    assert acl.rt.free(address) == 0
    assert acl.mdl.execute(add_eight, input_set, output_set) == INVALID_PARAM
    assert "freed" in message()
    assert acl.update_data_buffer(output, 0, 0) == 0
    for one in (input_set, output_set):
        assert acl.mdl.destroy_dataset(one) == 0
    for buffer in [*buffers, output]:
        assert acl.destroy_data_buffer(buffer) == 0


def test_synchronous_and_asynchronous_execution_do_not_mix(add_eight):
    assert execute(add_eight, [floats(8), floats(8)], [floats(8)]) == 0
    with Runner(add_eight, [floats(8), floats(8)]) as runner:
        assert acl.mdl.execute_async(add_eight, runner.input_set, runner.output_set, 0) == GE_FAILURE
        assert "mix" in message()
        runner.run()


def test_inputs_without_an_address_are_refused(add_eight):
    input_set = acl.mdl.create_dataset()
    first, second = acl.create_data_buffer(0, 32), acl.create_data_buffer(0, 32)
    for buffer in (first, second):
        acl.mdl.add_dataset_buffer(input_set, buffer)
    output_set, more = dataset([floats(8)])
    assert acl.mdl.execute(add_eight, input_set, output_set) == INVALID_PARAM
    assert "input 0" in message()
    for one in (input_set, output_set):
        assert acl.mdl.destroy_dataset(one) == 0
    for buffer in [first, second, *more]:
        assert acl.destroy_data_buffer(buffer) == 0


def test_freed_and_too_small_device_memory(add_eight):
    freed, ret = acl.rt.malloc(32, 0)
    assert ret == 0 and acl.rt.free(freed) == 0
    small, ret = acl.rt.malloc(32, 0)
    assert ret == 0
    output_set, more = dataset([floats(8)])
    for address, size, word in [(freed, 32, "freed"), (small + 64, 32, ""), (small + 48, 64, "")]:
        input_set, buffers = dataset([floats(8), floats(8)])
        assert acl.update_data_buffer(buffers[1], address, size) == 0
        assert acl.mdl.execute(add_eight, input_set, output_set) == INVALID_PARAM
        assert word in message()
        assert acl.mdl.destroy_dataset(input_set) == 0
        for buffer in buffers:
            assert acl.destroy_data_buffer(buffer) == 0
    assert acl.rt.free(small) == 0
    assert acl.mdl.destroy_dataset(output_set) == 0
    for buffer in more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_buffers_inside_the_models_own_memory_are_refused(make_model):
    onnx_model = conv_model(6)
    model = make_model(onnx_model)
    work_size, weight_size, ret = acl.mdl.query_size_from_mem(acl.util.bytes_to_ptr(model), len(model))
    assert ret == 0
    work, weight = Area(work_size), Area(weight_size)
    model_id = must_load(model, (work.address, work_size), (weight.address, weight_size))
    with Runner(model_id, random_inputs(onnx_model, 1)) as runner:
        good = runner.run()
        buffer = acl.mdl.get_dataset_buffer(runner.output_set, 0)
        for address in (work.address, weight.address):
            assert acl.update_data_buffer(buffer, address, runner.outputs[0].nbytes) == 0
            assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == INVALID_PARAM
            assert "overlaps" in message()
        array = runner.outputs[0]
        assert acl.update_data_buffer(buffer, array.ctypes.data, array.nbytes) == 0
        assert runner.run()[0].tobytes() == good[0].tobytes()
    must_unload(model_id)


def test_addresses_may_change_between_executions(add_eight):
    """Each execution sees the buffers' present addresses."""
    arrays = [floats(8, float(value)) for value in range(6)]
    input_set, buffers = dataset(arrays[:2])
    output_set, more = dataset([floats(8)])
    for first in range(0, 6, 2):
        result = floats(8, np.nan)
        for buffer, array in zip(buffers, arrays[first : first + 2], strict=True):
            assert acl.update_data_buffer(buffer, array.ctypes.data, 32) == 0
        assert acl.update_data_buffer(more[0], result.ctypes.data, 32) == 0
        assert acl.mdl.execute(add_eight, input_set, output_set) == 0
        np.testing.assert_array_equal(result, floats(8, 2 * first + 1.0))
    for one in (input_set, output_set):
        assert acl.mdl.destroy_dataset(one) == 0
    for buffer in buffers + more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_asynchronous_executions_run_in_order(make_model):
    """y = a + b chained on one stream: each execution reads what the one before it wrote."""
    model_id = must_load(make_model(add_model(8)))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    one, total = floats(8), floats(8, 0.0)
    input_set, buffers = dataset([one, total])
    output_set, more = dataset([total])
    for _ in range(200):
        assert acl.mdl.execute_async(model_id, input_set, output_set, stream) == 0, message()
    assert acl.rt.synchronize_stream(stream) == 0
    np.testing.assert_array_equal(total, floats(8, 200.0))
    # The null stream is the context's default stream.
    assert acl.mdl.execute_async(model_id, input_set, output_set, 0) == 0, message()
    assert acl.rt.synchronize_stream(0) == 0
    np.testing.assert_array_equal(total, floats(8, 201.0))
    # Once asynchronous, always asynchronous.
    assert acl.mdl.execute(model_id, input_set, output_set) == GE_FAILURE
    message()
    for handle in (input_set, output_set):
        assert acl.mdl.destroy_dataset(handle) == 0
    for buffer in buffers + more:
        assert acl.destroy_data_buffer(buffer) == 0
    must_unload(model_id)
    assert acl.rt.destroy_stream(stream) == 0


def test_a_stream_of_another_context_is_refused(make_model):
    model_id = must_load(make_model(add_model(8)))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    context, ret = acl.rt.create_context(0)
    assert ret == 0
    with Runner(model_id, [floats(8), floats(8)]) as runner:
        assert acl.mdl.execute_async(model_id, runner.input_set, runner.output_set, stream) == 107003
        message()
        assert acl.mdl.execute_async(model_id, runner.input_set, runner.output_set, 12345) == 107017
        message()
        assert acl.rt.destroy_context(context) == 0
        assert acl.rt.set_device(0) == 0
        runner.enqueue(stream)
        assert acl.rt.synchronize_stream(stream) == 0
        np.testing.assert_array_equal(runner.outputs[0], floats(8, 2.0))
        assert acl.rt.reset_device(0) == 0
    must_unload(model_id)
    assert acl.rt.destroy_stream(stream) == 0


def test_an_unload_behind_a_blocked_stream_is_refused(make_model):
    """Executions that cannot come to run keep their model; nothing hangs and nothing is lost."""
    model_id = must_load(make_model(add_model(8)))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    other, ret = acl.rt.create_stream()
    assert ret == 0
    event, ret = acl.rt.create_event_with_flag(1)
    assert ret == 0
    # The stream waits until the event is recorded, which comes later.
    assert acl.rt.stream_wait_event(stream, event) == 0
    with Runner(model_id, [floats(8), floats(8)]) as runner:
        runner.enqueue(stream)
        assert acl.mdl.unload(model_id) == 107037
        assert "queued" in message()
        assert acl.rt.record_event(event, other) == 0
        assert acl.rt.synchronize_stream(stream) == 0
        np.testing.assert_array_equal(runner.outputs[0], floats(8, 2.0))
    must_unload(model_id)
    assert acl.rt.destroy_event(event) == 0
    for handle in (stream, other):
        assert acl.rt.destroy_stream(handle) == 0


def test_a_failure_on_a_stream_is_told_to_the_thread_that_waits(make_model):
    model_id = must_load(make_model(add_model(8)))
    streams = [acl.rt.create_stream()[0] for _ in range(2)]
    event, ret = acl.rt.create_event_with_flag(1)
    assert ret == 0
    context, ret = acl.rt.get_context()
    assert ret == 0
    told = []

    def wait():
        acl.rt.set_context(context)
        told.append((acl.rt.synchronize_stream(streams[0]), acl.get_recent_err_msg()))
        told.append((acl.rt.synchronize_stream(streams[0]), acl.get_recent_err_msg()))

    memory, ret = acl.rt.malloc(4096, 0)
    assert ret == 0
    with Runner(model_id, [floats(8), floats(8)]) as runner:
        buffer = acl.create_data_buffer(memory, 32)
        inputs = acl.mdl.create_dataset()
        for one in (buffer, buffer):
            assert acl.mdl.add_dataset_buffer(inputs, one)[1] == 0
        assert acl.rt.stream_wait_event(streams[0], event) == 0
        assert acl.mdl.execute_async(model_id, inputs, runner.output_set, streams[0]) == 0, message()
        # What the execution reads goes away while it is queued.
        assert acl.rt.free(memory) == 0
        assert acl.rt.record_event(event, streams[1]) == 0
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
        assert acl.mdl.destroy_dataset(inputs) == 0 and acl.destroy_data_buffer(buffer) == 0
    (code, text), again = told
    assert code == 100000 and "aclmdlExecuteAsync" in text and "freed" in text and "input 0" in text
    assert "aclrtSynchronizeStream" in text, "the caller's own failure comes with it"
    assert again == (0, None), "a failure is told once"
    assert acl.get_recent_err_msg() is None, "and to nobody else"
    must_unload(model_id)
    assert acl.rt.destroy_event(event) == 0
    for stream in streams:
        assert acl.rt.destroy_stream(stream) == 0


def test_execute_v2(make_model):
    model_id = must_load(make_model(add_model(8)))
    config = acl.mdl.create_exec_config_handle()
    assert acl.mdl.set_exec_config_opt(config, 0, 10000) == 0
    assert acl.mdl.set_exec_config_opt(config, 1, 2**32 - 1) == 0
    assert acl.mdl.set_exec_config_opt(config, 0, 2**32 - 2) == INVALID_PARAM
    message()
    assert acl.mdl.set_exec_config_opt(config, 2, 0) == INVALID_PARAM
    message()
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    with Runner(model_id, [floats(8), floats(8)]) as runner:
        for target in (0, stream):
            runner.outputs[0][:] = np.nan
            assert acl.mdl.execute_v2(model_id, runner.input_set, runner.output_set, target, config) == 0, message()
            np.testing.assert_array_equal(runner.outputs[0], floats(8, 2.0))
        assert acl.mdl.execute_v2(model_id, runner.input_set, runner.output_set, 0, 0) == INVALID_PARAM
        message()
    must_unload(model_id)
    assert acl.rt.destroy_stream(stream) == 0
    assert acl.mdl.destroy_exec_config_handle(config) == 0
    assert acl.mdl.destroy_exec_config_handle(config) == INVALID_PARAM
    message()


def test_one_model_from_many_threads(add_eight):
    """The documentation asks for a lock; here the executions take turns."""
    failures = []

    def work(value):
        try:
            assert acl.rt.set_device(0) == 0
            with Runner(add_eight, [floats(8, value), floats(8, 10 * value)]) as runner:
                for _ in range(200):
                    np.testing.assert_array_equal(runner.run()[0], floats(8, 11 * value))
            assert acl.rt.reset_device(0) == 0
        except BaseException as error:  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(float(value),)) for value in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
