# SPDX-License-Identifier: Apache-2.0
"""Forks again and again while threads use the library; each child uses one part of it. Prints the problems.

usage: fork_worker.py MODELS.npz HAMMER[+HAMMER…] FORKS SEED

The archive holds for each model its bytes, inputs and expected outputs. A child that hangs is ended by its own alarm.
"""

import faulthandler
import os
import random
import signal
import sys
import threading
import time
from collections import Counter

import numpy as np
import numpy.testing  # at once: a child would wait for a thread of its parent that imports it

import acl
from model_support import Runner, load, message

rt, mdl = acl.rt, acl.mdl
PATIENCE = 30


def good(answer):
    values = answer if isinstance(answer, tuple) else (answer,)
    assert values[-1] == 0, (answer, acl.get_recent_err_msg())
    return values[0]


class Model:
    def __init__(self, archive, name):
        self.bytes = archive[f"{name}.om"].tobytes()
        self.inputs = [archive[key] for key in sorted(archive) if key.startswith(f"{name}.input")]
        self.expected = [archive[key] for key in sorted(archive) if key.startswith(f"{name}.output")]

    def check(self, outputs):
        for output, expected in zip(outputs, self.expected, strict=True):
            np.testing.assert_allclose(output, expected, rtol=1e-3, atol=1e-4)

    def load_and_run(self):
        model_id, code = load(self.bytes)
        assert code == 0, message()
        self.run(model_id)
        good(mdl.unload(model_id))

    def run(self, model_id):
        with Runner(model_id, self.inputs) as runner:
            self.check(runner.run())

    def run_on_stream(self):
        model_id = good(load(self.bytes))
        stream = good(rt.create_stream())
        with Runner(model_id, self.inputs) as runner:
            for _ in range(3):
                runner.enqueue(stream)
            good(rt.synchronize_stream(stream))
            self.check(runner.outputs)
        good(mdl.unload(model_id))
        good(rt.destroy_stream(stream))

    def run_in_own_areas(self):
        """In areas of the caller, which the library keeps account of while a load or an unload is under way."""
        work, weight, code = mdl.query_size_from_mem(acl.util.bytes_to_ptr(self.bytes), len(self.bytes))
        assert code == 0
        areas = [good(rt.malloc(max(size, 1), 0)) for size in (work, weight)]
        model_id = good(load(self.bytes, (areas[0], work), (areas[1], weight)))
        self.run(model_id)
        good(mdl.unload(model_id))
        for area in areas:
            good(rt.free(area))


def streams():
    stream, other = good(rt.create_stream()), good(rt.create_stream())
    event, notify = good(rt.create_event_with_flag(1)), good(rt.create_notify(0))
    memory = good(rt.malloc(4096, 0))
    good(rt.wait_and_reset_notify(notify, stream, 0))
    good(rt.stream_wait_event(stream, event))
    good(rt.memset_async(memory, 4096, 7, 4096, stream))
    good(rt.record_notify(notify, other))
    good(rt.record_event(event, other))
    good(rt.synchronize_stream(stream))
    assert acl.util.ptr_to_bytes(memory, 4096) == b"\7" * 4096
    for done in (rt.destroy_event(event), rt.destroy_notify(notify), rt.free(memory)):
        good(done)
    good(rt.destroy_stream(stream))
    good(rt.destroy_stream_force(other))


def memory():
    for size in (1, 1000, 100_000, 4_000_000):
        device, host = good(rt.malloc(size, 0)), good(rt.malloc_host(size))
        good(rt.memset(device, size, 3, size))
        good(rt.memcpy(host, size, device, size, 2))
        assert acl.util.ptr_to_bytes(host, size) == b"\3" * size
        good(rt.free(device))
        good(rt.free_host(host))


def handles():
    data = b"x" * 64
    for _ in range(20):
        buffer, tensor, made = acl.create_data_buffer(1, 1), acl.create_tensor_desc(0, [1], 2), mdl.create_dataset()
        aipp, allocator, config = mdl.create_aipp(1), rt.allocator_create_desc(), mdl.create_config_handle()
        binary, desc = rt.create_binary(acl.util.bytes_to_ptr(data), len(data)), mdl.create_desc()
        assert 0 not in (buffer, tensor, made, aipp, allocator, config, binary, desc)
        acl.destroy_tensor_desc(tensor)
        for done in (
            acl.destroy_data_buffer(buffer), mdl.destroy_dataset(made), mdl.destroy_aipp(aipp), mdl.destroy_desc(desc),
            rt.allocator_destroy_desc(allocator), mdl.destroy_config_handle(config), rt.destroy_binary(binary),
        ):  # fmt: skip
            good(done)


def contexts():
    context = good(rt.create_context(0))
    stream = good(rt.create_stream())
    good(rt.synchronize_stream(stream))
    good(rt.destroy_context(context))
    good(rt.set_device(0))
    good(rt.reset_device(0))


def errors():
    assert mdl.load_from_file("/nonexistent")[1] != 0 and message()
    assert rt.free(0xDEAD0000) == 107000 and message()


def callbacks():
    context, stream, seen, ends = good(rt.get_context()), good(rt.create_stream()), [], []

    def report(_):
        good(rt.set_context(context))
        while not ends:
            rt.process_report(20)

    thread = good(acl.util.start_thread(report, []))
    good(rt.subscribe_report(thread, stream))
    for number in range(3):
        good(rt.launch_callback(seen.append, number, 1, stream))
    good(rt.synchronize_stream(stream))
    assert seen == [0, 1, 2]
    good(rt.unsubscribe_report(thread, stream))
    ends.append(True)
    good(acl.util.stop_thread(thread))
    good(rt.destroy_stream(stream))


def again():
    process = os.fork()
    if process == 0:
        child(streams, tells_where_it_hangs=False)
    assert os.waitpid(process, 0)[1] == 0


def operations(archive):
    conv, dense = Model(archive, "conv"), Model(archive, "dense")
    return {
        "load": conv.load_and_run,
        "load_other": dense.load_and_run,
        "areas": dense.run_in_own_areas,
        "queue": conv.run_on_stream,
        "streams": streams,
        "memory": memory,
        "handles": handles,
        "contexts": contexts,
        "errors": errors,
        "callbacks": callbacks,
        "again": again,
    }


def child(operation, tells_where_it_hangs=True):
    signal.alarm(PATIENCE)
    # faulthandler itself hangs in a child whose parent has done this.
    if tells_where_it_hangs:
        faulthandler.dump_traceback_later(PATIENCE - 5)
    status = 3
    try:
        good(rt.set_device(0))
        operation()
        status = 0
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
    os._exit(status)


def main():
    path, hammers, forks, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    known = operations(dict(np.load(path)))
    good(acl.init())
    good(rt.set_device(0))
    ended = threading.Event()
    problems = Counter()

    def hammer(name):
        good(rt.set_device(0))
        try:
            while not ended.is_set():
                known[name]()
        except AssertionError as error:
            problems[f"{name} in the parent: {error}"] += 1

    threads = [threading.Thread(target=hammer, args=(name,)) for name in hammers.split("+")]
    for thread in threads:
        thread.start()
    for _ in range(forks):
        time.sleep(chance.random() * 0.005)
        name = chance.choice(list(known))
        process = os.fork()
        if process == 0:
            child(known[name])
        status = os.waitpid(process, 0)[1]
        if status:
            problems[f"{name} in a child: {status}"] += 1
    ended.set()
    for thread in threads:
        thread.join()
    print(dict(problems))


main()
