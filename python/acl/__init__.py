# SPDX-License-Identifier: Apache-2.0
"""AscendCL for Python. The extension module makes the functions: in acl, acl.rt, acl.mdl, acl.media and acl.util."""

import atexit
import os
import sys

from acl import _native

# The AscendCL library to drive: another one, or ours, which lies beside this file.
_library = os.environ.get("PYACLMDL_LIBRARY") or os.path.join(os.path.dirname(__file__), "libascendcl.so")
_native.populate(sys.modules[__name__], _library)
atexit.register(_native.close_callbacks)
del atexit, os, sys, _library
