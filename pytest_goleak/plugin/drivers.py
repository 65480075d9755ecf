"""The built-in load drivers, offered through the same hook as everyone else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pytest_goleak.model.protocols import LoadDriver
from pytest_goleak.session.drivers import BUILT_IN

__all__ = ["pytest_goleak_load_drivers"]


@pytest.hookimpl(trylast=True)
def pytest_goleak_load_drivers() -> Mapping[str, Callable[[], LoadDriver]]:
    """Return the built-in drivers."""
    return BUILT_IN
