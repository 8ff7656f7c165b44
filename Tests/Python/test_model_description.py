# SPDX-License-Identifier: Apache-2.0
"""Model descriptions, tensor descriptions, load configurations, gears and AIPP parameters."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import acl
from model_support import (
    Area,
    add_model,
    conv_model,
    dataset,
    dense_model,
    message,
    must_load,
    must_unload,
    random_inputs,
    run_once,
    sizes,
)

INVALID_PARAM = 100000
SAMPLES = Path(__file__).parents[3] / "shared" / "om"

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture
def desc():
    handle = acl.mdl.create_desc()
    yield handle
    assert acl.mdl.destroy_desc(handle) == 0


def check_conv(desc, size=24, channels=16):
    assert (acl.mdl.get_num_inputs(desc), acl.mdl.get_num_outputs(desc)) == (1, 1)
    assert acl.mdl.get_input_size_by_index(desc, 0) == 3 * size * size * 4
    assert acl.mdl.get_output_size_by_index(desc, 0) == channels * size * size * 4
    dims, ret = acl.mdl.get_input_dims(desc, 0)
    assert ret == 0 and dims["dims"] == [1, 3, size, size] and dims["dimCount"] == 4 and dims["name"] == "x"
    assert acl.mdl.get_input_dims_v2(desc, 0) == (dims, 0)
    dims, ret = acl.mdl.get_output_dims(desc, 0)
    assert ret == 0 and dims["dims"] == [1, channels, size, size]
    assert dims["name"] == acl.mdl.get_output_name_by_index(desc, 0)
    assert acl.mdl.get_input_data_type(desc, 0) == acl.mdl.get_output_data_type(desc, 0) == 0
    assert acl.mdl.get_input_name_by_index(desc, 0) == "x"
    assert acl.mdl.get_input_index_by_name(desc, "x") == (0, 0)
    assert acl.mdl.get_output_index_by_name(desc, acl.mdl.get_output_name_by_index(desc, 0)) == (0, 0)
    assert acl.mdl.get_input_dims_range(desc, 0) == (
        {"rangeCount": 4, "range": [[1, 1], [3, 3], [size, size], [size, size]]},
        0,
    )


def test_description_by_id_file_and_memory(make_model, desc, tmp_path):
    model = make_model(conv_model(1))
    model_id = must_load(model)
    assert acl.mdl.get_desc(desc, model_id) == 0
    check_conv(desc)
    assert acl.mdl.get_cur_output_dims(desc, 0) == acl.mdl.get_output_dims(desc, 0)
    must_unload(model_id)
    # It stays what it is, except for what depends on the model.
    check_conv(desc)
    assert acl.mdl.get_cur_output_dims(desc, 0) == ({}, 145003)
    message()
    path = tmp_path / "model.om"
    path.write_bytes(model)
    assert acl.mdl.get_desc_from_file(desc, str(path)) == 0
    check_conv(desc)
    assert acl.mdl.get_desc_from_mem(desc, acl.util.bytes_to_ptr(model), len(model)) == 0
    check_conv(desc)
    assert acl.mdl.get_desc_from_file(desc, str(tmp_path / "none.om")) == 145002
    assert "E13000" in message()


def test_getters_refuse_what_is_not_there(make_model, desc):
    for handle in (desc, 0, 12345):
        assert acl.mdl.get_num_inputs(handle) == 0
        acl.get_recent_err_msg()
        assert acl.mdl.get_input_size_by_index(handle, 0) == 0
        message()
        assert acl.mdl.get_input_dims(handle, 0) == ({}, INVALID_PARAM)
        message()
        assert acl.mdl.get_input_name_by_index(handle, 0) == ""
        message()
        assert acl.mdl.get_input_format(handle, 0) == acl.mdl.get_output_data_type(handle, 0) == -1
        message()
    model_id = must_load(make_model(dense_model(1)))
    assert acl.mdl.get_desc(desc, model_id) == 0
    for index in (1, 2**64 - 1):
        assert acl.mdl.get_output_dims(desc, index) == ({}, INVALID_PARAM)
        message()
        assert acl.mdl.get_output_name_by_index(desc, index) == ""
        assert "EH0001" in message()
    assert acl.mdl.get_input_index_by_name(desc, "nobody") == (0, INVALID_PARAM)
    assert "'x'" in message()
    assert acl.mdl.get_op_attr(desc, "dense1", "_datadump_original_op_names") == "[6]dense1[5]bias1"
    assert acl.mdl.get_op_attr(desc, "relu1", "_datadump_original_op_names") == ""
    assert acl.mdl.get_op_attr(desc, "dense1", "other") is None
    message()
    assert acl.mdl.get_op_attr(desc, "nobody", "_datadump_original_op_names") == ""
    assert acl.mdl.destroy_desc(0) == INVALID_PARAM
    assert "EH0002" in message()
    must_unload(model_id)


def test_long_names(make_model, desc):
    name = "input_" + "n" * 150
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph([helper.make_node("Add", [name, name], ["y"], name="add")], "long", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    model_id = must_load(make_model(model))
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_input_name_by_index(desc, 0) == name
    short = acl.mdl.get_input_dims(desc, 0)[0]["name"]
    assert short == f"acl_modelId_{model_id}_input_0"
    assert acl.mdl.get_tensor_real_name(desc, short) == name
    assert acl.mdl.get_tensor_real_name(desc, name) == name
    assert acl.mdl.get_input_index_by_name(desc, short)[1] == INVALID_PARAM
    message()
    for wrong in ("", "y_", f"acl_modelId_{model_id}_input_1", f"acl_modelId_{model_id + 1}_input_0"):
        assert acl.mdl.get_tensor_real_name(desc, wrong) is None
        message()
    must_unload(model_id)


def test_static_models_have_no_gears(make_model, desc):
    model_id = must_load(make_model(add_model(4)))
    assert acl.mdl.get_desc(desc, model_id) == 0
    assert acl.mdl.get_dynamic_batch(desc) == ({"batchCount": 0, "batch": []}, 0)
    assert acl.mdl.get_dynamic_hw(desc, -1) == ({"hwCount": 0, "hw": []}, 0)
    assert acl.mdl.get_input_dynamic_gear_count(desc, -1) == (0, 0)
    assert acl.mdl.get_input_dynamic_gear_count(desc, 0)[1] == INVALID_PARAM
    message()
    arrays = [np.ones(4, np.float32), np.ones(4, np.float32)]
    handle, buffers = dataset(arrays)
    assert acl.mdl.set_dynamic_batch_size(model_id, handle, 0, 2) == 145013
    assert "none" in message()
    assert acl.mdl.set_dynamic_hw_size(model_id, handle, 0, 2, 2) == 145013
    message()
    assert acl.mdl.set_dynamic_batch_size(model_id, handle, 0, 0) == INVALID_PARAM
    message()
    assert acl.mdl.set_dynamic_batch_size(model_id, handle, 7, 2) == INVALID_PARAM
    message()
    assert acl.mdl.set_dynamic_batch_size(model_id + 1, handle, 0, 2) == 145003
    message()
    dims = {"dimCount": 2, "dims": [4, 4], "name": ""}
    assert acl.mdl.set_input_dynamic_dims(model_id, handle, 0, dims) == 145013
    message()
    dims = {"dimCount": 2, "dims": [4, 5], "name": ""}
    assert acl.mdl.set_input_dynamic_dims(model_id, handle, 0, dims) == 145012
    message()
    for array in arrays:
        np.testing.assert_array_equal(array, np.ones(4, np.float32))
    assert acl.mdl.get_aipp_type(model_id, 0) == (0, 0xFFFFFFFF, 0)
    assert acl.mdl.get_first_aipp_info(model_id, 0)[1] == 145015
    message()
    parameters = acl.mdl.create_aipp(1)
    assert acl.mdl.set_input_aipp(model_id, handle, 0, parameters) == INVALID_PARAM
    message()
    assert acl.mdl.set_aipp_by_input_index(model_id, handle, 0, parameters) == 500001
    message()
    assert acl.mdl.destroy_aipp(parameters) == 0
    assert acl.mdl.destroy_dataset(handle) == 0
    for buffer in buffers:
        assert acl.destroy_data_buffer(buffer) == 0
    must_unload(model_id)


def test_aipp_parameters():
    assert acl.mdl.get_aipp_data_size(1) == (160, 0)
    assert acl.mdl.get_aipp_data_size(4) == (64 + 4 * 96, 0)
    assert acl.mdl.get_aipp_data_size(0)[1] == INVALID_PARAM
    message()
    assert acl.mdl.create_aipp(0) == 0
    message()
    handle = acl.mdl.create_aipp(2)
    good = [
        (acl.mdl.set_aipp_input_format, (1,)),
        (acl.mdl.set_aipp_csc_params, (1, 256, 0, 359, 256, -88, -183, 256, 454, 0, 0, 0, 0, 0, 128, 128)),
        (acl.mdl.set_aipp_rbuv_swap_switch, (1,)),
        (acl.mdl.set_aipp_ax_swap_switch, (0,)),
        (acl.mdl.set_aipp_src_image_size, (256, 224)),
        (acl.mdl.set_aipp_scf_params, (1, 224, 224, 112, 112, 0)),
        (acl.mdl.set_aipp_crop_params, (1, 2, 2, 224, 200, 1)),
        (acl.mdl.set_aipp_padding_params, (1, 1, 2, 3, 4, 1)),
        (acl.mdl.set_aipp_dtc_pixel_mean, (104, 117, 123, 0, 0)),
        (acl.mdl.set_aipp_dtc_pixel_min, (0.5, 1.5, 2.5, 0.0, 0)),
        (acl.mdl.set_aipp_pixel_var_reci, (0.017, 0.5, 1.0, 1.0, 0)),
    ]
    for function, arguments in good:
        assert function(handle, *arguments) == 0, (function.__name__, message())
        assert function(0, *arguments) == INVALID_PARAM
        assert "EH0002" in message()
    bad = [
        (acl.mdl.set_aipp_input_format, (15,)),
        (acl.mdl.set_aipp_rbuv_swap_switch, (2,)),
        (acl.mdl.set_aipp_src_image_size, (1, 224)),
        (acl.mdl.set_aipp_src_image_size, (4097, 224)),
        (acl.mdl.set_aipp_scf_params, (1, 224, 224, 1921, 112, 0)),
        (acl.mdl.set_aipp_crop_params, (1, 2, 2, 0, 200, 1)),
        (acl.mdl.set_aipp_padding_params, (1, 33, 2, 3, 4, 1)),
        (acl.mdl.set_aipp_padding_params, (1, 1, 2, 3, 4, 2)),
        (acl.mdl.set_aipp_dtc_pixel_mean, (256, 117, 123, 0, 0)),
        (acl.mdl.set_aipp_dtc_pixel_min, (-0.5, 1.5, 2.5, 0.0, 0)),
        (acl.mdl.set_aipp_pixel_var_reci, (70000.0, 0.5, 1.0, 1.0, 0)),
    ]
    for function, arguments in bad:
        assert function(handle, *arguments) == INVALID_PARAM, (function.__name__, arguments)
        message()
    assert acl.mdl.destroy_aipp(handle) == 0
    assert acl.mdl.destroy_aipp(handle) == INVALID_PARAM
    message()


def test_tensor_descriptions():
    desc = acl.create_tensor_desc(1, [2, 3, 5, 7], 0)
    assert acl.get_tensor_desc_type(desc) == 1
    assert acl.get_tensor_desc_format(desc) == 0
    assert acl.get_tensor_desc_element_count(desc) == 210
    assert acl.get_tensor_desc_size(desc) == 420
    assert acl.get_tensor_desc_num_dims(desc) == 4
    assert acl.get_tensor_desc_dim_v2(desc, 3) == (7, 0)
    assert acl.get_tensor_desc_dim_v2(desc, 4)[1] == INVALID_PARAM
    message()
    acl.set_tensor_desc_name(desc, "name")
    assert acl.get_tensor_desc_name(desc) == "name"
    assert acl.set_tensor_shape_range(desc, [[1, 2], [3, 4]]) == 0
    assert acl.get_tensor_desc_dim_range(desc, 1, 2) == ([3, 4], 0)
    assert acl.get_tensor_desc_dim_range(desc, 2, 2)[1] == INVALID_PARAM
    message()
    assert acl.set_tensor_format(desc, 3) == 0 and acl.get_tensor_desc_format(desc) == 0
    assert acl.set_tensor_origin_format(desc, 1) == 0 and acl.get_tensor_desc_format(desc) == 1
    assert acl.set_tensor_origin_shape(desc, [4, -1]) == 0 and acl.get_tensor_desc_element_count(desc) == 0
    assert acl.set_tensor_origin_shape(desc, [-2]) == 0
    assert acl.get_tensor_desc_num_dims(desc) == 0xFFFFFFFFFFFFFFFE
    data = (ctypes.c_byte * 8)(*range(8))
    assert acl.set_tensor_const(desc, ctypes.addressof(data), 8) == 0
    assert acl.set_tensor_const(desc, ctypes.addressof(data), 0) == INVALID_PARAM
    message()
    assert acl.set_tensor_format(0, 3) == 0
    assert acl.set_tensor_shape(0, [1]) == INVALID_PARAM
    message()
    assert acl.destroy_tensor_desc(desc) is None
    assert acl.get_tensor_desc_type(desc) == -1
    assert "destroyed" in message()
    image = acl.create_tensor_desc(0, [1, 20, 8, 9], 0)
    changed, ret = acl.trans_tensor_desc_format(image, 3)
    assert ret == 0
    assert [acl.get_tensor_desc_dim_v2(changed, index)[0] for index in range(5)] == [1, 2, 8, 9, 16]
    for handle in (image, changed):
        acl.destroy_tensor_desc(handle)


def configured(**values):
    numbers = {
        "load_type": 1,
        "path": 2,
        "memory": 3,
        "size": 4,
        "weight": 5,
        "weight_size": 6,
        "work": 7,
        "work_size": 8,
        "priority": 0,
    }
    handle = acl.mdl.create_config_handle()
    for name, value in values.items():
        assert acl.mdl.set_config_opt(handle, numbers[name], value) == 0, message()
    return handle


def test_load_with_config(make_model, tmp_path):
    onnx_model = conv_model(2)
    model = make_model(onnx_model)
    path = tmp_path / "model.om"
    path.write_bytes(model)
    address = acl.util.bytes_to_ptr(model)
    work_size, weight_size = sizes(model)
    work, weight = Area(work_size), Area(weight_size)
    inputs = random_inputs(onnx_model, 3)
    outputs = []
    for handle in (
        configured(load_type=1, path=str(path), priority=3),
        configured(load_type=3, memory=address, size=len(model)),
        configured(load_type=2, path=str(path), work=work.address, work_size=work_size),
        configured(
            load_type=4,
            memory=address,
            size=len(model),
            work=work.address,
            work_size=work_size,
            weight=weight.address,
            weight_size=weight_size,
        ),
    ):
        model_id, ret = acl.mdl.load_with_config(handle)
        assert ret == 0, message()
        outputs.append(run_once(model_id, inputs)[0].tobytes())
        must_unload(model_id)
        assert acl.mdl.destroy_config_handle(handle) == 0
    assert len(set(outputs)) == 1
    work.check()
    weight.check()
    short = configured(load_type=4, memory=address, size=len(model), weight=weight.address, weight_size=weight_size - 1)
    assert acl.mdl.load_with_config(short) == (0, 145000)
    message()
    for handle in (0, short + 1, configured(), configured(load_type=1), configured(load_type=3, memory=address)):
        assert acl.mdl.load_with_config(handle) == (0, INVALID_PARAM)
        message()
    handle = acl.mdl.create_config_handle()
    for attribute, value in [(1, 0), (1, 7), (0, 8), (3, 0), (15, 1), (2**30, 1)]:
        assert acl.mdl.set_config_opt(handle, attribute, value) == INVALID_PARAM, (attribute, value)
        message()
    assert acl.mdl.destroy_config_handle(handle) == 0


def test_loads_that_need_hardware_are_refused(make_model):
    model = make_model(add_model(4))
    queues = (ctypes.c_uint32 * 1)(0)
    address = ctypes.addressof(queues)
    pointer = acl.util.bytes_to_ptr(model)
    assert acl.mdl.load_from_mem_with_q(pointer, len(model), address, 1, address, 1) == (0, 207000)
    message()
    assert acl.mdl.load_from_mem_with_q(pointer, len(model), 0, 1, address, 1) == (0, INVALID_PARAM)
    message()
    package = b"PK\x03\x04" + bytes(400)
    assert acl.mdl.load_from_mem(acl.util.bytes_to_ptr(package), len(package)) == (0, 207000)
    assert "OM2" in message()


def test_damaged_models_never_crash(make_model, desc):
    """Every truncation and every 4-byte field of the first KiB and of the tables set to odd values."""
    model = make_model(add_model(4))
    pointer_of = acl.util.bytes_to_ptr
    for length in range(0, len(model), 7):
        part = model[:length]
        assert acl.mdl.load_from_mem(pointer_of(part) if part else 0, length)[1] != 0
        message()
    for offset in range(0, min(1024, len(model) - 4), 4):
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            changed = model[:offset] + value.to_bytes(4, "little") + model[offset + 4 :]
            model_id, ret = acl.mdl.load_from_mem(pointer_of(changed), len(changed))
            if ret == 0:
                must_unload(model_id)
            else:
                message()
            if acl.mdl.get_desc_from_mem(desc, pointer_of(changed), len(changed)) != 0:
                message()
            if acl.mdl.query_size_from_mem(pointer_of(changed), len(changed))[2] != 0:
                message()


def bundle_of(models):
    """A bundle file: header, table of 24-byte entries, the size of the variables, the models."""
    parts = [(25, (64).to_bytes(8, "little")), *((24, model) for model in models)]
    table = len(parts).to_bytes(4, "little") + bytes(4)
    offset = 0
    for kind, data in parts:
        table += kind.to_bytes(4, "little") + bytes(4) + offset.to_bytes(8, "little") + len(data).to_bytes(8, "little")
        offset += len(data)
    body = table + b"".join(data for _, data in parts)
    header = bytearray(models[0][:256])
    header[76:80] = len(body).to_bytes(4, "little")
    header[82] = 5
    header[156:160] = len(models).to_bytes(4, "little")
    header[184:192] = (len(body) + 256).to_bytes(8, "little")
    return bytes(header) + body


def test_bundles(make_model, tmp_path):
    networks = [dense_model(21), add_model(6)]
    bundle = bundle_of([make_model(network) for network in networks])
    path = tmp_path / "bundle.om"
    path.write_bytes(bundle)
    assert acl.mdl.load_from_mem(acl.util.bytes_to_ptr(bundle), len(bundle))[1] == 500002
    message()
    for bundle_id, ret in (
        acl.mdl.bundle_load_from_mem(acl.util.bytes_to_ptr(bundle), len(bundle)),
        acl.mdl.bundle_load_from_file(str(path)),
    ):
        assert ret == 0, message()
        assert acl.mdl.bundle_get_model_num(bundle_id) == (2, 0)
        for index, network in enumerate(networks):
            model_id, ret = acl.mdl.bundle_get_model_id(bundle_id, index)
            assert ret == 0
            inputs = random_inputs(network, 1)
            single = must_load(make_model(network))
            assert run_once(model_id, inputs)[0].tobytes() == run_once(single, inputs)[0].tobytes()
            must_unload(single)
            assert acl.mdl.unload(model_id) == INVALID_PARAM
            message()
        assert acl.mdl.bundle_get_model_id(bundle_id, 2)[1] == INVALID_PARAM
        message()
        assert acl.mdl.bundle_unload(bundle_id) == 0
        assert acl.mdl.bundle_unload(bundle_id) == 148053
        message()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no models by Huawei's tools here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.om")) if SAMPLES.is_dir() else [], ids=lambda path: path.stem)
def test_models_by_huaweis_tools(path, desc):
    ret = acl.mdl.get_desc_from_file(desc, str(path))
    model_id, loaded = acl.mdl.load_from_file(str(path))
    if path.stem.startswith("hiai_"):
        assert ret != 0 and loaded != 0
        assert "Kirin" in message()
        return
    assert ret == 0, message()
    if loaded == 0:
        must_unload(model_id)
    else:
        message()


def test_descriptions_of_models_by_huaweis_tools(desc):
    path = SAMPLES / "modelzoo_a3c_pong_v1.om"
    if not path.exists():
        pytest.skip("no models by Huawei's tools here")
    assert acl.mdl.get_desc_from_file(desc, str(path)) == 0
    for count, dims, size in (
        (acl.mdl.get_num_inputs(desc), acl.mdl.get_input_dims, acl.mdl.get_input_size_by_index),
        (acl.mdl.get_num_outputs(desc), acl.mdl.get_output_dims, acl.mdl.get_output_size_by_index),
    ):
        assert count >= 1
        for index in range(count):
            shape, ret = dims(desc, index)
            assert ret == 0 and size(desc, index) >= 4 * int(np.prod(shape["dims"]))
