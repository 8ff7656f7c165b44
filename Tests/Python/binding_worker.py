# SPDX-License-Identifier: Apache-2.0
"""The process behind binding_standin.Driver: evaluates expressions and reports values, errors and the C call."""

import ctypes
import gc
import json
import sys
import threading

import acl.mdl
import acl.rt
import acl.util

import acl

lib = ctypes.CDLL(sys.argv[1])
lib.standin_name.restype = lib.standin_text.restype = ctypes.c_char_p
lib.standin_value.restype = lib.standin_fire_allocator.restype = ctypes.c_longlong


class Index:
    """What numpy's integers are to the conversion: no int, but usable as an index."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


def leaked(expression):
    """Blocks that fifty more evaluations leave allocated, whether they raise or not, at the end of at most 24 rounds.

    Caches fill in the first rounds; a leak stays. Ends at the first round without growth.
    """
    compiled = compile(expression, "expression", "eval")
    before = growth = None
    for _ in range(24):
        for _ in range(50):
            try:
                eval(compiled, scope)
            except Exception:
                pass
        gc.collect()
        after = sys.getallocatedblocks()
        growth = None if before is None else after - before
        if growth is not None and growth < 20:
            break
        before = after
    return growth


scope = {"acl": acl, "lib": lib, "Index": Index, "leaked": leaked}


def evaluate(expression):
    try:
        return {"value": repr(eval(expression, scope))}
    except BaseException as error:
        return {
            "error": [type(error).__name__, str(error)],
            "cause": repr(error.__cause__),
            "context": repr(error.__context__),
        }


for line in sys.stdin:
    expression, code, hold = json.loads(line)
    lib.standin_set(code, hold)
    threads = [threading.Thread(target=evaluate, args=(expression,)) for _ in range(max(hold - 1, 0))]
    for thread in threads:
        thread.start()
    answer = evaluate(expression)
    for thread in threads:
        thread.join()
    answer["met"] = bool(lib.standin_met())
    answer["calls"] = lib.standin_calls()
    answer["c"] = {
        "name": lib.standin_name().decode(),
        "values": [lib.standin_value(index) for index in range(lib.standin_count())],
        "texts": [lib.standin_text(index).decode() for index in range(lib.standin_text_count())],
    }
    print(json.dumps(answer), flush=True)
