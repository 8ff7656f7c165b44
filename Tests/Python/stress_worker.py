# SPDX-License-Identifier: Apache-2.0
"""Random valid and invalid calls from several threads, seeded. Ends with the number of calls; a crash ends it early.

usage: stress_worker.py THREADS CALLS SEED
"""

import faulthandler
import random
import sys
import threading

import acl
from binding_standin import FUNCTIONS

faulthandler.enable()
faulthandler.dump_traceback_later(240, exit=True)
THREADS, CALLS, SEED = map(int, sys.argv[1:])
BLOCK = 1 << 16

# Functions that would wait for what no other thread does, end the process's use of the device under the others, or read
# addresses that are not registered; and those that run or write files.
LEFT_OUT = {
    "acl.init", "acl.finalize", "acl.finalize_reference", "acl.app_log", "acl.rt.process_report", "acl.rt.reset_device",
    "acl.rt.reset_device_force", "acl.rt.device_task_abort", "acl.rt.wait_and_reset_notify", "acl.rt.value_wait",
    "acl.rt.stream_wait_event", "acl.rt.launch_callback", "acl.rt.subscribe_report", "acl.rt.unsubscribe_report",
    "acl.rt.memcpy_async_with_desc", "acl.rt.set_memcpy_desc", "acl.rt.set_op_execute_timeout_v2",
    "acl.rt.set_op_execute_time_out", "acl.rt.set_op_wait_timeout", "acl.mdl.set_dump", "acl.mdl.init_dump",
    "acl.mdl.finalize_dump", "acl.rt.host_register", "acl.rt.host_register_v2", "acl.rt.map_mem", "acl.rt.unmap_mem",
    "acl.rt.reserve_mem_address", "acl.rt.release_mem_address", "acl.rt.destroy_group_info",
    "acl.mdl.load_from_mem_with_q", "acl.mdl.get_desc_from_mem",
    # Raises RuntimeError instead of answering a code.
    "acl.rt.get_group_info_detail",
}  # fmt: skip
# Argument name -> kind of handle.
KINDS = {
    "stream": "stream", "event": "event", "start": "event", "end": "event", "context": "context", "notify": "notify",
    "dataset": "dataset", "input": "dataset", "output": "dataset", "dataset_in": "dataset", "data_buffer": "buffer",
    "tensor_desc": "tensor", "src_desc": "tensor", "model_desc": "model_desc", "aipp_params_set": "aipp",
    "config_handle": "config", "allocator_desc": "allocator", "pic_desc": "picture", "batch_pic_desc": "batch",
    "input_desc": "picture", "output_desc": "picture", "stream_desc": "video", "roi_config": "area",
    "crop_area": "area", "resize_config": "resize", "jpege_config": "encoder", "border_config": "border",
    "channel_desc": "channel",
}  # fmt: skip
# Result name of a creating function -> kind.
MADE = {
    "acl.rt.create_stream": "stream", "acl.rt.create_stream_with_config": "stream", "acl.rt.create_event": "event",
    "acl.rt.create_event_with_flag": "event", "acl.rt.create_event_ex_with_flag": "event",
    "acl.rt.create_context": "context", "acl.rt.create_notify": "notify", "acl.mdl.create_dataset": "dataset",
    "acl.create_data_buffer": "buffer", "acl.create_tensor_desc": "tensor", "acl.mdl.create_desc": "model_desc",
    "acl.mdl.create_aipp": "aipp", "acl.mdl.create_config_handle": "config",
    "acl.rt.allocator_create_desc": "allocator", "acl.media.dvpp_create_pic_desc": "picture",
    "acl.media.dvpp_create_batch_pic_desc": "batch", "acl.media.dvpp_get_pic_desc": "picture",
    "acl.media.dvpp_create_stream_desc": "video", "acl.media.dvpp_create_roi_config": "area",
    "acl.media.dvpp_create_resize_config": "resize", "acl.media.dvpp_create_jpege_config": "encoder",
    "acl.media.dvpp_create_border_config": "border", "acl.media.dvpp_create_channel_desc": "channel",
}  # fmt: skip
ADDRESSES = {
    "dev_ptr",
    "dst",
    "src",
    "ptr",
    "data",
    "host_ptr",
    "dev_addr",
    "output_addr",
    "vir_ptr",
    "expect_ptr",
    "data_dev",
}
SIZES = {"size", "count", "max_count", "dest_max", "width", "height", "dpitch", "spitch", "output_size", "data_size"}
CHOSEN = [
    f
    for f in FUNCTIONS
    if f.c_name and f.status != "missing" and f.python not in LEFT_OUT
    and all(a.unit not in ("O", "s") and a.unit in "kKIHBbhilLf" for a in f.args or ())
]  # fmt: skip
FREEING = {"acl.rt.free", "acl.rt.free_host", "acl.media.dvpp_free"}
ALLOCATING = {"acl.rt.malloc", "acl.rt.malloc_host", "acl.media.dvpp_malloc"}
handles = {kind: [] for kind in set(KINDS.values())}


class Caller:
    def __init__(self, number: int) -> None:
        self.random = random.Random(SEED * 1000 + number)
        self.blocks = []
        self.done = 0

    def address(self) -> int:
        """Inside a block of this thread (also beyond its end, where sizes are refused), or 0."""
        if not self.blocks or self.random.random() < 0.1:
            return 0
        return self.random.choice(self.blocks) + self.random.choice([0, 0, 0, 1, 64, BLOCK // 2, BLOCK - 1])

    def argument(self, unit: str, name: str):
        chance = self.random.random()
        if name in ADDRESSES:
            return self.address()
        if name in SIZES:
            return self.random.choice([0, 1, 7, 64, 4096, BLOCK, BLOCK + 1, 2**40, 2**64 - 1])
        if name in KINDS or unit in "kK" and name not in ("index", "batch_size", "flags", "flag"):
            pool = handles.get(KINDS.get(name, self.random.choice(list(handles))), [])
            if pool and chance < 0.85:
                return self.random.choice(pool)
            return self.random.choice([0, 1, 8, 2**64 - 1, 2**47])
        if unit == "f":
            return self.random.choice([0.0, 1.5, -1.0])
        if unit in "bB":
            return self.random.choice([0, 1, 2, 255])
        if name == "timeout":
            return self.random.choice([0, 1, 5])
        if name == "device_id" and chance < 0.8:
            return 0
        return self.random.choice(
            [0, 0, 1, 2, 3, 127, -1 if unit in "ihlL" else 2**31, 2**31 - 1 if unit != "h" else 99]
        )

    def call(self) -> None:
        function = self.random.choice(CHOSEN)
        arguments = [self.argument(a.unit, a.name) for a in function.args or ()]
        if function.python in FREEING:
            arguments = [self.blocks.pop(self.random.randrange(len(self.blocks)))] if self.blocks else [0]
        if function.python in ALLOCATING:
            arguments[0] = BLOCK
        target = acl
        for part in function.python.split(".")[1:]:
            target = getattr(target, part)
        self.done += 1
        try:
            result = target(*arguments)
        except (TypeError, ValueError):
            # The binding's own limits.
            return
        except RuntimeError:
            if function.python != "acl.rt.get_group_info_detail":
                raise
            # The one function that turns an error code into an exception.
            return
        first = result[0] if isinstance(result, tuple) else result
        if function.python in ALLOCATING and first:
            self.blocks.append(first)
        if kind := MADE.get(function.python):
            if first:
                pool = handles[kind]
                pool.append(first)
                if len(pool) > 100:
                    pool.pop(0)

    def run(self) -> None:
        acl.rt.set_device(0)
        for _ in range(CALLS):
            self.call()
        acl.rt.set_device(0)
        acl.rt.synchronize_device_with_timeout(20000)


acl.init()
acl.rt.set_device(0)
callers = [Caller(number) for number in range(THREADS)]
threads = [threading.Thread(target=caller.run) for caller in callers]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(caller.done for caller in callers))
