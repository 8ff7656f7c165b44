# SPDX-License-Identifier: Apache-2.0
"""Bundles through the C interface: sizes, initialised bundles, their members, and what is refused."""

import ctypes
import os
import threading
from pathlib import Path

import pytest

import acl
from model_support import Area, add_model, dense_model, message, must_load, must_unload, random_inputs, run_once, sizes
from test_model_description import bundle_of

pytestmark = pytest.mark.usefixtures("device")

INVALID_PARAM, NOT_SUPPORTED, UNKNOWN_BUNDLE, UNKNOWN_MODEL = 100000, 200001, 148053, 145003
VARIABLES = 64


@pytest.fixture(scope="module")
def c():
    """The library that `acl` drives."""
    path = os.environ.get("PYACLMDL_LIBRARY") or str(Path(acl.__file__).with_name("libascendcl.so"))
    library = ctypes.CDLL(path)
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
    library.aclmdlBundleCreateQueryInfo.restype = pointer
    for name, types in {
        "DestroyQueryInfo": [pointer],
        "QueryInfoFromFile": [ctypes.c_char_p, pointer],
        "QueryInfoFromMem": [pointer, size, pointer],
        "GetQueryModelNum": [pointer, pointer],
        "GetVarWeightSize": [pointer, pointer],
        "GetSize": [pointer, size, pointer, pointer],
        "InitFromFile": [ctypes.c_char_p, pointer, size, pointer],
        "InitFromMem": [pointer, size, pointer, size, pointer],
        "LoadFromFile": [ctypes.c_char_p, pointer],
        "LoadFromMem": [pointer, size, pointer],
        "LoadModel": [number, size, pointer],
        "LoadModelWithMem": [number, size, pointer, size, pointer, size, pointer],
        "LoadModelWithConfig": [number, size, pointer, pointer],
        "UnloadModel": [number, number],
        "GetModelId": [number, size, pointer],
        "GetModelNum": [number, pointer],
        "Unload": [number],
    }.items():
        getattr(library, f"aclmdlBundle{name}").argtypes = types
    return library


@pytest.fixture
def networks():
    return [dense_model(41), add_model(6)]


@pytest.fixture
def bundle(networks, make_model):
    return bundle_of([make_model(network) for network in networks])


@pytest.fixture
def path(bundle, tmp_path):
    path = tmp_path / "bundle.om"
    path.write_bytes(bundle)
    return str(path).encode()


def refused(code, expected, words=""):
    assert code == expected, code
    assert words in message()


def test_sizes(c, bundle, path, networks, make_model):
    query = c.aclmdlBundleCreateQueryInfo()
    count, work, weight = ctypes.c_size_t(), ctypes.c_size_t(), ctypes.c_size_t()
    for ask in (
        lambda: c.aclmdlBundleQueryInfoFromMem(acl.util.bytes_to_ptr(bundle), len(bundle), query),
        lambda: c.aclmdlBundleQueryInfoFromFile(path, query),
    ):
        assert ask() == 0, message()
        assert c.aclmdlBundleGetQueryModelNum(query, ctypes.byref(count)) == 0 and count.value == 2
        assert c.aclmdlBundleGetVarWeightSize(query, ctypes.byref(count)) == 0 and count.value == VARIABLES
        for index, network in enumerate(networks):
            assert c.aclmdlBundleGetSize(query, index, ctypes.byref(work), ctypes.byref(weight)) == 0
            assert (work.value, weight.value) == sizes(make_model(network))
    refused(c.aclmdlBundleGetSize(query, 2, ctypes.byref(work), ctypes.byref(weight)), INVALID_PARAM, "2")
    refused(c.aclmdlBundleGetSize(query, 0, None, ctypes.byref(weight)), INVALID_PARAM, "workSize")
    refused(c.aclmdlBundleGetSize(query, 0, ctypes.byref(work), None), INVALID_PARAM, "constWeightSize")
    refused(c.aclmdlBundleGetSize(None, 0, ctypes.byref(work), ctypes.byref(weight)), INVALID_PARAM, "queryInfo")
    refused(c.aclmdlBundleGetQueryModelNum(query, None), INVALID_PARAM, "modelNum")
    refused(c.aclmdlBundleQueryInfoFromFile(None, query), INVALID_PARAM, "fileName")
    refused(c.aclmdlBundleQueryInfoFromMem(None, 300, query), INVALID_PARAM, "model")
    refused(c.aclmdlBundleQueryInfoFromFile(b"/no/such/file", query), 145002, "/no/such/file")
    assert c.aclmdlBundleDestroyQueryInfo(query) == 0
    refused(c.aclmdlBundleDestroyQueryInfo(query), INVALID_PARAM, "queryInfo")
    refused(c.aclmdlBundleGetQueryModelNum(query, ctypes.byref(count)), INVALID_PARAM, "queryInfo")


@pytest.mark.parametrize("source", ["file", "memory"])
def test_members_one_by_one(source, c, bundle, path, networks, make_model):
    bundle_id, model_id = ctypes.c_uint32(), ctypes.c_uint32()
    variables = Area(VARIABLES)
    if source == "file":
        assert c.aclmdlBundleInitFromFile(path, variables.address, VARIABLES, ctypes.byref(bundle_id)) == 0, message()
    else:
        address = acl.util.bytes_to_ptr(bundle)
        assert c.aclmdlBundleInitFromMem(address, len(bundle), None, 0, ctypes.byref(bundle_id)) == 0, message()
    assert bundle_id.value >= 0x80000000
    assert acl.mdl.bundle_get_model_num(bundle_id.value) == (2, 0)
    refused(acl.mdl.bundle_get_model_id(bundle_id.value, 0)[1], NOT_SUPPORTED, "initialised")

    inputs = random_inputs(networks[0], 1)
    single = must_load(make_model(networks[0]))
    wanted = run_once(single, inputs)[0].tobytes()
    work_size, weight_size = sizes(make_model(networks[0]))
    work, weight = Area(work_size), Area(weight_size)

    def with_config():
        handle = acl.mdl.create_config_handle()
        for attribute, value in ((5, weight.address), (6, weight_size), (7, work.address), (8, work_size)):
            assert acl.mdl.set_config_opt(handle, attribute, value) == 0
        ret = c.aclmdlBundleLoadModelWithConfig(bundle_id, 0, handle, ctypes.byref(model_id))
        assert acl.mdl.destroy_config_handle(handle) == 0
        return ret

    for load in (
        lambda: c.aclmdlBundleLoadModel(bundle_id, 0, ctypes.byref(model_id)),
        lambda: c.aclmdlBundleLoadModelWithMem(
            bundle_id, 0, work.address, work_size, weight.address, weight_size, ctypes.byref(model_id)
        ),
        with_config,
    ):
        assert load() == 0, message()
        assert run_once(model_id.value, inputs)[0].tobytes() == wanted
        refused(load(), INVALID_PARAM, "loaded already")
        refused(acl.mdl.bundle_get_model_id(bundle_id.value, 0)[1], NOT_SUPPORTED)
        refused(acl.mdl.unload(model_id.value), INVALID_PARAM, "bundle")
        refused(c.aclmdlBundleUnloadModel(bundle_id, single), INVALID_PARAM, str(single))
        assert c.aclmdlBundleUnloadModel(bundle_id, model_id) == 0
        refused(c.aclmdlBundleUnloadModel(bundle_id, model_id), INVALID_PARAM)
    assert weight.bytes() != b"\xa5" * weight_size, "the caller's memory was used"
    work.check()
    weight.check()
    refused(
        c.aclmdlBundleLoadModelWithMem(
            bundle_id, 0, work.address, work_size, weight.address, weight_size - 1, ctypes.byref(model_id)
        ),
        145000,
        "weight_size",
    )
    assert c.aclmdlBundleLoadModel(bundle_id, 0, ctypes.byref(model_id)) == 0, "a failed load leaves nothing behind"
    refused(c.aclmdlBundleLoadModel(bundle_id, 2, ctypes.byref(model_id)), INVALID_PARAM, "2")
    refused(c.aclmdlBundleLoadModel(bundle_id, 1, None), INVALID_PARAM, "modelId")
    assert acl.mdl.bundle_unload(bundle_id.value) == 0
    refused(acl.mdl.unload(model_id.value), UNKNOWN_MODEL)
    refused(c.aclmdlBundleLoadModel(bundle_id, 0, ctypes.byref(model_id)), UNKNOWN_BUNDLE)
    refused(c.aclmdlBundleUnloadModel(bundle_id, model_id), UNKNOWN_BUNDLE)
    must_unload(single)


def test_one_member_from_many_threads(c, bundle):
    bundle_id = ctypes.c_uint32()
    assert c.aclmdlBundleInitFromMem(acl.util.bytes_to_ptr(bundle), len(bundle), None, 0, ctypes.byref(bundle_id)) == 0
    context, ret = acl.rt.get_context()
    assert ret == 0
    answers = []
    start = threading.Barrier(8)

    def load():
        acl.rt.set_context(context)
        model_id = ctypes.c_uint32()
        start.wait()
        answers.append(c.aclmdlBundleLoadModel(bundle_id, 0, ctypes.byref(model_id)))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0] + [INVALID_PARAM] * 7
    assert acl.mdl.bundle_unload(bundle_id.value) == 0


def test_what_is_no_bundle(c, bundle, make_model, tmp_path):
    bundle_id = ctypes.c_uint32()
    single = make_model(add_model(4))
    package = b"PK\x03\x04" + bytes(400)
    wrong = [(data, INVALID_PARAM) for data in (single, bundle[:263], bundle[:-1])]
    for data, code in [*wrong, (package, NOT_SUPPORTED)]:
        path = tmp_path / "no.om"
        path.write_bytes(data)
        address = acl.util.bytes_to_ptr(data)
        refused(acl.mdl.bundle_load_from_mem(address, len(data))[1], code)
        refused(acl.mdl.bundle_load_from_file(str(path))[1], code)
        refused(c.aclmdlBundleInitFromMem(address, len(data), None, 0, ctypes.byref(bundle_id)), code)
        query = c.aclmdlBundleCreateQueryInfo()
        refused(c.aclmdlBundleQueryInfoFromMem(address, len(data), query), code)
        refused(c.aclmdlBundleQueryInfoFromFile(str(path).encode(), query), code)
        assert c.aclmdlBundleDestroyQueryInfo(query) == 0
    address = acl.util.bytes_to_ptr(bundle)
    ret = c.aclmdlBundleInitFromMem(address, len(bundle), address, VARIABLES - 1, ctypes.byref(bundle_id))
    refused(ret, INVALID_PARAM, "varWeightSize")
    refused(c.aclmdlBundleLoadFromMem(address, len(bundle), None), INVALID_PARAM, "bundleId")
    refused(c.aclmdlBundleLoadFromMem(None, len(bundle), ctypes.byref(bundle_id)), INVALID_PARAM, "model")
    refused(c.aclmdlBundleLoadFromFile(None, ctypes.byref(bundle_id)), INVALID_PARAM, "modelPath")
    refused(acl.mdl.bundle_load_from_file("/no/such/file")[1], 145002, "/no/such/file")
    refused(acl.mdl.bundle_get_model_num(77)[1], UNKNOWN_BUNDLE, "77")


def test_a_broken_member_leaves_nothing_loaded(c, networks, make_model):
    broken = bytearray(make_model(networks[1]))
    broken[0] ^= 0xFF
    data = bundle_of([make_model(networks[0]), bytes(broken)])
    used = must_load(make_model(networks[1]))
    must_unload(used)
    refused(acl.mdl.bundle_load_from_mem(acl.util.bytes_to_ptr(data), len(data))[1], 145000)
    for model_id in range(used + 1, used + 4):
        refused(acl.mdl.unload(model_id), UNKNOWN_MODEL)
