"""The built-in load drivers, offered through the same hook as everyone else's, and what is refused before a run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

import pytest

from pytest_goleak.load.request import has_placeholders
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadDriver
from pytest_goleak.plugin.items import GoleakItem
from pytest_goleak.plugin.marker import arguments_of
from pytest_goleak.plugin.settings import plan_of
from pytest_goleak.session.drivers import BUILT_IN

__all__ = ["check_load", "offered", "pytest_goleak_load_drivers"]

Drivers = Mapping[str, Callable[[], LoadDriver]]

PLANNED = ("wrk", "ab", "vegeta", "k6", "ghz", "grpc", "locust")
"""Names that later versions will understand."""


@pytest.hookimpl(trylast=True)
def pytest_goleak_load_drivers() -> Mapping[str, Callable[[], LoadDriver]]:
    """Return the built-in drivers."""
    return BUILT_IN


def offered(config: pytest.Config) -> dict[str, Callable[[], LoadDriver]]:
    """Return all drivers by name; where names are the same, those of the user win."""
    drivers: dict[str, Callable[[], LoadDriver]] = {}
    # The built-in drivers answer last.
    for answer in reversed(config.hook.pytest_goleak_load_drivers(config=config)):
        drivers.update(answer)
    return drivers


def check_load(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Refuse *items* that no load driver can send, or not the one they ask for.

    Raises:
        pytest.UsageError: the driver is unknown or can't do it, or a placeholder makes no sense.

    """
    drivers = offered(config)
    problems = [problem for item in items if (problem := _problem(config, item, drivers)) is not None]
    if problems:
        raise pytest.UsageError("\n".join(dict.fromkeys(problems)))


def _problem(config: pytest.Config, item: pytest.Item, drivers: Drivers) -> str | None:
    if isinstance(item, GoleakItem):
        return _problem_of(config, item.endpoint, drivers)
    name = arguments_of(item).get("driver")
    if not isinstance(name, str) or name in drivers:
        return None
    return f"{item.nodeid}: @pytest.mark.goleak(driver={name!r}): {_unknown(name, drivers)}"


def _problem_of(config: pytest.Config, endpoint: Endpoint, drivers: Drivers) -> str | None:
    source = plan_of(config).source or "the configuration"
    name = endpoint.load.driver
    if name not in drivers:
        typed = config.getoption("goleak_load") == name
        where = f"--goleak-load {name}" if typed else f'{source}: driver = "{name}" (endpoint "{endpoint.name}")'
        return f"{where}: {_unknown(name, drivers)}"
    try:
        has_placeholders(endpoint)
        why = drivers[name]().unsupported(endpoint)
    except GoleakError as problem:
        return f'{source}: endpoint "{endpoint.name}": {problem}'
    return None if why is None else f'{source}: endpoint "{endpoint.name}", driver = "{name}": {why}'


def _unknown(name: str, drivers: Iterable[str]) -> str:
    known = f"Expected one of: {', '.join(sorted(drivers))}, or one that a plugin offers by pytest_goleak_load_drivers."
    if name in PLANNED:
        return f"this driver is planned and not in this version. {known}"
    near = difflib.get_close_matches(name, drivers, n=1)
    return f"no such load driver. {known}" + (f" Did you mean {near[0]!r}?" if near else "")
