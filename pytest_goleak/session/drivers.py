"""The built-in load drivers, by name; their modules are imported when one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_goleak.model.protocols import LoadDriver

__all__ = ["BUILT_IN"]


def _builtin() -> LoadDriver:
    from pytest_goleak.load.builtin import BuiltinDriver  # noqa: PLC0415 - pycurl, only when driven

    return BuiltinDriver()


def _hey() -> LoadDriver:
    from pytest_goleak.load.hey import HeyDriver  # noqa: PLC0415 - see above

    return HeyDriver()


BUILT_IN: Mapping[str, Callable[[], LoadDriver]] = {"builtin": _builtin, "hey": _hey}
