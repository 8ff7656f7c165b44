# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests of programs that use acl. Nothing of acl is imported before a test asks for a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

REPEATED_INITIALIZATION = 100002
ANY_MEMORY = 0


def _check(ret: int, what: str) -> None:
    if ret != 0:
        import acl

        pytest.fail(f"{what} failed with {ret}: {acl.get_recent_err_msg()}", pytrace=False)


@pytest.fixture(scope="session")
def acl_session() -> Iterator[None]:
    """AscendCL initialised once for all tests, and ended after them."""
    import acl

    ret = acl.init()
    if ret != REPEATED_INITIALIZATION:
        _check(ret, "acl.init")
    yield
    acl.finalize()


@pytest.fixture
def acl_device(acl_session: None) -> Iterator[int]:
    """Device 0, set for the test's thread and reset after it. A test that leaves device memory allocated fails."""
    import acl

    device = 0
    _check(acl.rt.set_device(device), "acl.rt.set_device")
    before, _, ret = acl.rt.get_mem_info(ANY_MEMORY)
    _check(ret, "acl.rt.get_mem_info")
    yield device
    _check(acl.rt.set_device(device), "acl.rt.set_device")
    after, _, _ = acl.rt.get_mem_info(ANY_MEMORY)
    _check(acl.rt.reset_device(device), "acl.rt.reset_device")
    # The fixture and the test's own set_device each count as a user.
    acl.rt.reset_device(device)
    if after < before:
        pytest.fail(f"the test left {before - after} bytes of device memory allocated", pytrace=False)


@pytest.fixture
def acl_stream(acl_device: int) -> Iterator[int]:
    """A stream of device 0."""
    import acl

    stream, ret = acl.rt.create_stream()
    _check(ret, "acl.rt.create_stream")
    yield stream
    acl.rt.destroy_stream(stream)
