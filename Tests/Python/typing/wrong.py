# SPDX-License-Identifier: Apache-2.0
"""Checked by mypy, not run: each marked line must be reported with that code, and no other line."""

import acl.rt

import acl

acl.rt.malloc(1.0, 2)  # expect: arg-type
acl.rt.malloc(size=1, policy=2)  # expect: call-arg
acl.rt.malloc(1)  # expect: call-arg
acl.init(None)  # expect: arg-type
acl.rt.mallok(1, 2)  # expect: attr-defined
acl.create_tensor_desc(1, (2, 3), 0)  # expect: arg-type
text: str = acl.get_soc_name()  # expect: assignment
acl.util.bytes_to_ptr("text")  # expect: arg-type
acl.mdl.load_from_file(b"model.om")  # expect: arg-type
