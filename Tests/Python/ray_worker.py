# SPDX-License-Identifier: Apache-2.0
"""A Ray head and two actors, each pinned to one NPU, where it loads a model from memory and runs it; prints JSON.

usage: ray_worker.py FOLDER MODEL.om INPUT.npy...
"""

import json
import sys
from pathlib import Path

import numpy as np
import ray


@ray.remote(resources={"NPU": 1}, num_cpus=0)
class Engine:
    """One model on the one device that Ray lets this process see."""

    def __init__(self, data):
        import acl

        self.acl = acl
        assert (acl.init(), acl.rt.set_device(0)) == (0, 0)
        self.model, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(data), len(data))
        assert ret == 0, acl.get_recent_err_msg()

    def where(self):
        import os

        count, _ = self.acl.rt.get_device_count()
        device, _ = self.acl.rt.get_logic_dev_id_by_user_dev_id(0)
        second = self.acl.rt.set_device(1)
        return {
            "pid": os.getpid(),
            "visible": os.environ["ASCEND_RT_VISIBLE_DEVICES"],
            "count": count,
            "device": device,
            "second": second,
            "soc": self.acl.get_soc_name(),
        }

    def run(self, array):
        from model_support import run_once

        return run_once(self.model, [array])[0].tolist()

    def close(self):
        acl = self.acl
        return acl.mdl.unload(self.model), acl.rt.reset_device(0), acl.finalize()


folder, model, *inputs = map(Path, sys.argv[1:])
ray.init(include_dashboard=False, num_cpus=2, object_store_memory=80 << 20, _temp_dir=str(folder))
try:
    engines = [Engine.remote(model.read_bytes()) for _ in inputs]
    answer = {
        "resources": ray.cluster_resources(),
        "nodes": [node["NodeManagerAddress"] for node in ray.nodes()],
        "where": ray.get([engine.where.remote() for engine in engines]),
        "results": ray.get(
            [engine.run.remote(np.load(file)) for engine, file in zip(engines, inputs, strict=True)],
        ),
        "closed": ray.get([engine.close.remote() for engine in engines]),
    }
finally:
    ray.shutdown()
print(json.dumps(answer))
