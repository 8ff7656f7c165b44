# SPDX-License-Identifier: Apache-2.0
"""The README's example: load a model from memory into memory of our own, and run it once."""

import numpy as np

import acl

x = np.random.default_rng(0).random((1, 3, 48, 192), np.float32)  # what the model reads
y = np.zeros((1, 2), np.float32)  # what it writes

data = open("classifier.om", "rb").read()
acl.init(), acl.rt.set_device(0)
model = acl.util.bytes_to_ptr(data)
work_size, weight_size, ret = acl.mdl.query_size_from_mem(model, len(data))
work, weights = acl.rt.malloc(work_size, 0)[0], acl.rt.malloc(weight_size, 0)[0]
model_id, ret = acl.mdl.load_from_mem_with_mem(model, len(data), work, work_size, weights, weight_size)
inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
acl.mdl.add_dataset_buffer(inputs, acl.create_data_buffer(x.ctypes.data, x.nbytes))
acl.mdl.add_dataset_buffer(outputs, acl.create_data_buffer(y.ctypes.data, y.nbytes))
ret = acl.mdl.execute(model_id, inputs, outputs)

print("returned", ret, "result", y)
