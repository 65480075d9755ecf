"""The built-in load drivers and reporters, offered through the same hooks as everyone else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pytest_goleak.model.protocols import LoadDriver

__all__ = ["pytest_goleak_load_drivers"]


@pytest.hookimpl(trylast=True)
def pytest_goleak_load_drivers() -> Mapping[str, Callable[[], LoadDriver]]:
    """Return the built-in drivers; their modules are imported when one is chosen."""
    return {"builtin": _builtin, "hey": _hey}


def _builtin() -> LoadDriver:
    from pytest_goleak.load.builtin import BuiltinDriver  # noqa: PLC0415 - pycurl, only when driven

    return BuiltinDriver()


def _hey() -> LoadDriver:
    from pytest_goleak.load.hey import HeyDriver  # noqa: PLC0415 - see above

    return HeyDriver()
