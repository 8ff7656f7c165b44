# SPDX-License-Identifier: Apache-2.0
"""Functions with callbacks, and with lists and dicts of their own kind, against the recording stand-in."""

from __future__ import annotations

import pytest

import binding_standin
from binding_standin import Driver


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    made = Driver(binding_standin.build(tmp_path_factory.mktemp("standin")))
    made.ask("exec('''" + HELPERS + "''', globals())")
    yield made
    assert made.close() == 0


HELPERS = """
import gc, sys, threading, weakref
seen = []
def note(*values):
    seen.append(values)
def fail(*values):
    raise KeyError('from the callback')
def keep_unraisable(raised):
    seen.append((raised.exc_type.__name__, raised.object.__name__, raised.exc_traceback.tb_next is None))
def take_seen():
    taken = list(seen)
    seen.clear()
    return taken
class Thing(list):
    pass
def in_foreign_thread(function, *arguments):
    results = []
    id, ret = acl.util.start_thread(lambda: results.append(function(*arguments)), None)
    acl.util.stop_thread(id)
    return results[0]
globals().update(acl=sys.modules['acl'], lib=sys.modules['__main__'].lib)
"""


def value(driver, expression, **options):
    answer = driver.ask(expression, **options)
    assert "value" in answer, answer
    return eval(answer["value"])


def error(driver, expression, **options):
    return driver.ask(expression, **options).get("error")


def c_call(driver, expression):
    answer = driver.ask(expression)
    assert "value" in answer, answer
    return answer["c"]["values"], answer["c"]["texts"]


def test_app_log_treats_percent_signs_literally(driver):
    answer = driver.ask("acl.app_log(2, '100 %s')")
    assert answer["value"] == "None" and answer["c"]["values"] == [2, 1, 1]
    assert answer["c"]["texts"] == ["%s", "100 %s"]


def test_cann_attribute_list(driver):
    assert value(driver, "acl.get_cann_attribute_list()") == ([0, 2], 2, 0)
    assert value(driver, "acl.get_cann_attribute_list()", code=500000) == ([], 0, 500000)


def test_version_text(driver):
    assert value(driver, "acl.get_version_str('runtime')") == ("text", 0)
    assert value(driver, "acl.get_version_str('runtime')", code=100003) == ("", 100003)


def test_dim_range(driver):
    assert value(driver, "acl.get_tensor_desc_dim_range(1, 0, 2)") == ([1, -1], 0)
    assert value(driver, "acl.get_tensor_desc_dim_range(1, 0, 2)", code=100000) == (None, 100000)
    answer = driver.ask("acl.get_tensor_desc_dim_range(1, 0, 4097)")
    assert answer["value"] == "(None, 100000)" and answer["calls"] == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("acl.rt.get_function_name(1, 1024)", "maxLen should be less than 1024"),
        ("acl.rt.ipc_mem_get_export_key(1, 2, 1024, 0)", "key len should be less than 1024"),
        ("acl.rt.notify_get_export_key(1, 1024, 0)", "key len should be less than 1024"),
    ],
)
def test_buffers_for_text_are_limited(driver, call, text):
    assert error(driver, call) == ["ValueError", text]
    assert value(driver, call.replace("1024", "1023"))[0] == "text"
    assert value(driver, call.replace("1024", "1023"), code=107000) == ("", 107000)


def test_op_desc_name_length_is_limited(driver):
    answer = driver.ask("acl.mdl.create_and_get_op_desc(0, 1, 2, 4097)")
    assert answer["value"] == "('', 0, 0, 0, 0, 100000)" and answer["calls"] == 0
    assert value(driver, "acl.mdl.create_and_get_op_desc(0, 1, 2, 64)")[0] == "text"


@pytest.mark.parametrize(
    ("kind", "given", "received"),
    [
        (1, "{'failureMode': 2**33 + 1}", [1, 2]),
        (2, "{'overflowSwitch': 1, 'unknown': 2}", [1, 0]),
        (3, "{'userCustomTag': 7}", [7, 0]),
        (3, "{'userCustomTag': '7'}", [0, 0]),
        (9, "{'reserved': [1, 2]}", [1, 2]),
        (9, "{}", [0, 0]),
    ],
)
def test_set_stream_attribute(driver, kind, given, received):
    assert c_call(driver, f"acl.rt.set_stream_attribute(5, {kind}, {given})")[0] == [5, kind, *received]


def test_set_stream_attribute_refusals(driver):
    wrong = ["TypeError", "the aclrtStreamAttrValue argument is not dict"]
    assert error(driver, "acl.rt.set_stream_attribute(5, 1, [1])") == wrong
    too_long = ["ValueError", "The length of reserved should be no greater than 4"]
    assert error(driver, "acl.rt.set_stream_attribute(5, 9, {'reserved': [1] * 5})") == too_long


@pytest.mark.parametrize(
    ("kind", "made"),
    [(1, {"failureMode": 6}), (2, {"overflowSwitch": 6}), (3, {"userCustomTag": 6}), (4, {"reserved": [6, 0, 0, 0]})],
)
def test_get_stream_attribute(driver, kind, made):
    assert value(driver, f"acl.rt.get_stream_attribute(5, {kind})") == (made, 0)


def test_wait_and_reset_notify_limits_its_timeout(driver):
    assert c_call(driver, "acl.rt.wait_and_reset_notify(1, 2, 2**32 - 1)")[0] == [1, 2, 2**32 - 1]
    assert error(driver, "acl.rt.wait_and_reset_notify(1, 2, -1)") == [
        "TypeError",
        "timeout can't be a negative number!",
    ]
    too_large = ["TypeError", "timeout should be less than 2**32!"]
    assert error(driver, "acl.rt.wait_and_reset_notify(1, 2, 2**32)") == too_large


def test_group_details_raise_instead_of_a_code(driver):
    assert value(driver, "acl.rt.get_group_info_detail(1, 0, 5)") == ([4, 5], 0)
    failed = ["RuntimeError", "aclrtGetGroupInfoDetail failed"]
    assert error(driver, "acl.rt.get_group_info_detail(1, 0, 5)", code=100000) == failed


def test_memory_errors(driver):
    assert value(driver, "acl.rt.get_mem_uce_info(0, 2**32 - 1)") == ([{"addr": 0, "len": 3, "reserved": [0] * 14}], 0)
    assert value(driver, "acl.rt.get_mem_uce_info(0, 4)", code=100000) == ([], 100000)
    given = "[{'addr': None, 'len': 6, 'reserved': [7, 8]}]"
    assert c_call(driver, f"acl.rt.mem_uce_repair(3, {given})")[0] == [3, 0, 6, 8, 1]
    assert error(driver, "acl.rt.mem_uce_repair(3, ())") == ["TypeError", "aclrtMemUceInfo argument is not list"]
    assert error(driver, "acl.rt.mem_uce_repair(3, [{'addr': 1.0}])") == ["ValueError", "PyLong_AsVoidPtr failed"]


def test_place_holders_are_counted(driver):
    call = "acl.rt.launch_kernel_with_host_args(1, 2, 3, [], 4, 5, [{'addrOffset': 6, 'dataOffset': 7}], "
    assert c_call(driver, call + "1)")[0] == [1, 2, 3, 0, 4, 5, 1, 6, 7, 1]
    assert error(driver, call + "2)")[0] == "ValueError"


def test_aipp_info(driver):
    info, ret = value(driver, "acl.mdl.get_first_aipp_info(1, 0)")
    assert ret == 0 and len(info) == 53
    assert (info["matrixR0C2"], info["minChn1"], info["srcFormat"], info["aippExtend"]) == (5, 0.5, 2**32 - 1, 0)
    shape = {"dimCount": 2, "dims": [3, -1], "name": "text"}
    empty = {"dimCount": 0, "dims": [], "name": ""}
    assert info["outDims"] == [{"srcDims": shape, "srcSize": 8, "aippOutdims": empty, "aippOutSize": 0}]
    assert value(driver, "acl.mdl.get_first_aipp_info(1, 0)", code=100011) == (None, 100011)


def test_set_input_dynamic_dims(driver):
    call = "acl.mdl.set_input_dynamic_dims(1, 2, 3, {})"
    values, texts = c_call(driver, call.format("{'dimCount': 2, 'dims': [4, -5, 6], 'name': 'x' * 200}"))
    assert values == [1, 2, 3, 2, 4, -5, 1] and texts == ["x" * 127]
    not_ints = ["TypeError", "the dims of fourth parameter is not list of int"]
    for given, expected in {
        "[]": ["TypeError", "argument 4 is not dict"],
        "{'dimCount': 1}": ["TypeError", "The dims of parameter 4 is not a list."],
        "{'dimCount': 1, 'dims': (1,)}": ["TypeError", "The dims of parameter 4 is not a list."],
        "{'dimCount': 2, 'dims': [1]}": not_ints,
        "{'dimCount': 1, 'dims': ['1']}": not_ints,
        "{'dims': []}": not_ints,
        "{'dims': [1]}": ["ValueError", "PyLong_AsLongLong failed"],
        "{'dimCount': 1, 'dims': [1], 'name': 1}": ["RuntimeError", "PyUnicode_AsUTF8String failed"],
    }.items():
        assert error(driver, call.format(given)) == expected, given
    assert error(driver, call.format("{'dimCount': 129, 'dims': [1] * 129}"))[0] == "ValueError"


def test_gears_are_unsigned_and_an_error_is_an_empty_list(driver):
    gear = {"dimCount": 2, "dims": [3, 2**64 - 1], "name": "text"}
    assert value(driver, "acl.mdl.get_input_dynamic_dims(1, 0, 2)") == ([gear, gear], 0)
    assert value(driver, "acl.mdl.get_input_dynamic_dims(1, 0, 2)", code=100000) == ([], 100000)
    answer = driver.ask("acl.mdl.get_input_dynamic_dims(1, 0, 4097)")
    assert answer["value"] == "(None, 100000)" and answer["calls"] == 0


def test_config_options_are_read_by_attribute(driver):
    call = "acl.mdl.set_config_opt(8, {}, {})"
    assert c_call(driver, call.format(0, -2)) == ([8, 0, 4, -2], [])
    assert c_call(driver, call.format(2, "'m.om'")) == ([8, 2, 8, 1], ["m.om"])
    assert c_call(driver, call.format(3, "2**64 - 1")) == ([8, 3, 8, -1], [])
    assert c_call(driver, call.format(4, 77)) == ([8, 4, 8, 77], [])
    assert c_call(driver, call.format(28, 1)) == ([8, 28, 4, 1], [])
    refusal = ["TypeError", "acl.mdl.set_config_opt args parse failed!"]
    for attribute, wrong in ((0, "2**31"), (2, "5"), (3, "'5'"), (4, "1.0"), (14, "'path'")):
        assert error(driver, call.format(attribute, wrong)) == refusal
    assert error(driver, "acl.mdl.set_config_opt(8, 0)") == ["TypeError", "acl.mdl.set_config_opt args parse failed"]
    assert c_call(driver, "acl.mdl.set_exec_config_opt(8, 0, 2**32 + 5)")[0] == [8, 0, 4, 5]


def test_launched_functions_run_in_process_report(driver):
    assert value(driver, "acl.rt.launch_callback(note, [1, 'x'], 1, 9)") == 0
    assert value(driver, "acl.rt.process_report(100)") == 0
    assert value(driver, "take_seen()") == [([1, "x"],)]
    assert error(driver, "acl.rt.launch_callback(1, [], 0, 9)") == ["TypeError", "parameter must be callable"]


def test_what_a_launched_function_raises_is_unraisable(driver):
    driver.ask("sys.__setattr__('unraisablehook', keep_unraisable)")
    driver.ask("acl.rt.launch_callback(fail, [], 1, 9)")
    assert value(driver, "acl.rt.process_report(100)") == 0
    assert value(driver, "take_seen()") == [("KeyError", "fail", True)]
    assert value(driver, "acl.rt.process_report(100)", code=507012) == 507012
    driver.ask("acl.rt.launch_callback(fail, [], 1, 9)")
    assert value(driver, "acl.rt.process_report(100)", code=507012) == 507012, "its own code, whatever was raised"
    assert value(driver, "len(take_seen())") == 1


def test_a_raising_launched_function_loses_no_reference(driver):
    driver.ask("sys.__setattr__('unraisablehook', lambda raised: None)")
    driver.ask("globals().update(thing=Thing(), call=lambda given: 1 / 0)")
    driver.ask("globals().update(watches=[weakref.ref(thing), weakref.ref(call)])")
    driver.ask("acl.rt.launch_callback(call, thing, 1, 9)")
    driver.ask("(globals().pop('thing'), globals().pop('call')) is None")
    assert value(driver, "acl.rt.process_report(100)") == 0
    assert value(driver, "(gc.collect(), [watch() for watch in watches])[1]") == [None, None]
    grown = value(driver, "leaked('(acl.rt.launch_callback(fail, [Thing()], 1, 9), acl.rt.process_report(1))')")
    assert grown < 20


def test_launches_hold_their_arguments_until_they_are_over(driver):
    driver.ask("globals().update(thing=Thing())")
    driver.ask("globals().update(watch=weakref.ref(thing))")
    assert value(driver, "acl.rt.launch_callback(note, thing, 0, 9)") == 0
    driver.ask("globals().pop('thing') is None")
    assert value(driver, "watch() is not None")
    driver.ask("acl.rt.process_report(100)")
    assert value(driver, "(take_seen() and None, gc.collect(), watch() is None)[2]")
    driver.ask("globals().update(thing=Thing())")
    driver.ask("globals().update(watch=weakref.ref(thing))")
    assert value(driver, "acl.rt.launch_callback(note, thing, 0, 9)", code=107015) == 107015
    assert value(driver, "(globals().pop('thing') is None, gc.collect(), watch() is None)[2]"), "refused launch"


def test_exception_callbacks_run_on_any_thread_and_survive_raising(driver):
    assert value(driver, "acl.rt.set_exception_info_callback(note)") == 0
    driver.ask("in_foreign_thread(lib.standin_fire_exception)")
    assert value(driver, "take_seen()") == [(0xABC,)]
    driver.ask("acl.rt.set_exception_info_callback(fail)")
    driver.ask("lib.standin_fire_exception()")
    driver.ask("lib.standin_fire_exception()")
    driver.ask("acl.rt.set_exception_info_callback(note)")
    driver.ask("lib.standin_fire_exception()")
    assert value(driver, "take_seen()") == [(0xABC,)]
    for removal in ("", "None"):
        assert c_call(driver, f"acl.rt.set_exception_info_callback({removal})")[0] == [0]
    wrong = ["TypeError", "acl.rt.set_exception_info_callback args parse failed"]
    assert error(driver, "acl.rt.set_exception_info_callback(1)") == wrong


def test_dump_callbacks_receive_chunks(driver):
    assert value(driver, "acl.mdl.dump_reg_callback(note, 3)") == 0
    assert value(driver, "lib.standin_fire_dump()") == 0
    ((chunk,),) = value(driver, "take_seen()")
    data = chunk.pop("data_buf")
    assert chunk == {"file_name": "file", "buf_len": 8, "is_last_chunk": 1, "offset": 2**64 - 1, "flag": 3}
    assert value(driver, f"acl.util.ptr_to_bytes({data}, 8)") == bytes(range(1, 9))
    driver.ask("acl.mdl.dump_reg_callback(fail, 3)")
    assert value(driver, "lib.standin_fire_dump()") == -1
    driver.ask("acl.mdl.dump_reg_callback(note, 3)")
    assert value(driver, "acl.mdl.dump_reg_callback(fail, 3)", code=100000) == 100000
    assert value(driver, "lib.standin_fire_dump()") == 0, "a refused registration keeps the old function"
    assert len(value(driver, "take_seen()")) == 1
    assert value(driver, "acl.mdl.dump_unreg_callback()") is None


def test_allocator_functions_return_addresses(driver):
    driver.ask("acl.rt.allocator_set_alloc_func_to_desc(1, lambda allocator, size: allocator + size)")
    assert value(driver, "lib.standin_fire_allocator(0)") == 5000000001
    driver.ask("acl.rt.allocator_set_free_func_to_desc(1, note)")
    driver.ask("lib.standin_fire_allocator(1)")
    assert value(driver, "take_seen()") == [(1, 2)]
    driver.ask("acl.rt.allocator_set_alloc_advise_func_to_desc(1, lambda *given: sum(given))")
    assert value(driver, "lib.standin_fire_allocator(2)") == 6
    driver.ask("acl.rt.allocator_set_get_addr_from_block_func_to_desc(1, lambda block: block + 1)")
    assert value(driver, "lib.standin_fire_allocator(3)") == 5
    driver.ask("acl.rt.allocator_set_alloc_func_to_desc(1, fail)")
    assert value(driver, "lib.standin_fire_allocator(0)") == 0
