"""Leak tests among the collected items: those of the configuration file, and Python tests that ask for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.model.errors import ConfigError
from pytest_goleak.plugin.marker import check_marker
from pytest_goleak.plugin.options import flag, from_command_line, from_ini, value

if TYPE_CHECKING:
    from pytest_goleak.model.plan import Endpoint, RunPlan  # the nouns cost milliseconds at every start of pytest

__all__ = ["GROUP", "PLAN", "Collector", "GoleakItem", "plan_of"]

PLAN = pytest.StashKey["RunPlan"]()
GROUP = "goleak"
"""Name of the xdist group: endpoints of one target are never measured at once."""

DISABLED = "leak tests run with --goleak"


def plan_of(config: pytest.Config) -> RunPlan:
    """Return the plan of this run: the configuration file with every option applied.

    Raises:
        pytest.UsageError: a setting is wrong; the message names file, key, value and what was expected.

    """
    if PLAN not in config.stash:
        config.stash[PLAN] = _read_plan(config)
    return config.stash[PLAN]


def _read_plan(config: pytest.Config) -> RunPlan:
    from pytest_goleak.config import load  # noqa: PLC0415 - pydantic, and only where there are leak tests

    strong, weak = from_command_line(config), from_ini(config)
    path = config_file(config)
    try:
        if path is not None:
            plan = load.read(path, overrides=strong, defaults=weak)
        else:
            plan = load.from_mapping({}, root=config.rootpath, overrides=strong, defaults=weak)
    except ConfigError as problem:
        raise pytest.UsageError(str(problem)) from None
    endpoints = list(plan.endpoints)
    config.hook.pytest_goleak_endpoints(config=config, endpoints=endpoints)
    return dataclasses.replace(plan, endpoints=tuple(endpoints))


def config_file(config: pytest.Config) -> Path | None:
    """Return the configuration file of this run, if there is one."""
    from pytest_goleak.config.load import find  # noqa: PLC0415 - see above

    given = value(config, "goleak_config")
    if not isinstance(given, Path):
        return find(config.rootpath)
    path = config.invocation_params.dir / given
    if not path.is_file():
        raise pytest.UsageError(
            f"--goleak-config: {str(given)!r} is not a file. Expected a goleak.toml; docs/reference/configuration.md "
            f"describes it."
        )
    return path.resolve()


class Collector:
    """Turns the endpoints of the configuration file into items, and marks the Python leak tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._path = config_file(config) if self._may_have_file() else None
        self._add_to_arguments()

    def _may_have_file(self) -> bool:
        """Whether it is worth looking: without a file the plugin stays as light as it can be."""
        names = ("goleak.toml", "pyproject.toml")
        return value(self._config, "goleak_config") is not None or any(
            (self._config.rootpath / name).is_file() for name in names
        )

    def _add_to_arguments(self) -> None:
        """Collect the file even where ``testpaths`` or the current directory would miss it.

        Arguments that the user typed are left alone: who names a test wants that test.
        """
        given = self._config.args_source is pytest.Config.ArgsSource.ARGS
        explicit = self._config.getoption("goleak_config") is not None
        if self._path is None or (given and not explicit) or not flag(self._config, "goleak"):
            return
        if not any(_contains(Path(argument.split("::")[0]), self._path) for argument in self._config.args):
            self._config.args.append(str(self._path))

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect the configuration file."""
        if self._path is not None and file_path == self._path and plan_of(self._config).endpoints:
            collector: pytest.Collector = GoleakFile.from_parent(parent, path=file_path)
            return collector
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep leak tests of the target in one xdist worker, and skip them where they are not asked for."""
        enabled = flag(self._config, "goleak")
        for item in items:
            if not is_leak_test(item):
                continue
            check_marker(item)
            item.add_marker(pytest.mark.xdist_group(GROUP))
            if not enabled:
                item.add_marker(pytest.mark.skip(reason=DISABLED))


def is_leak_test(item: pytest.Item) -> bool:
    """Whether *item* measures the service."""
    names = getattr(item, "fixturenames", ())
    return (
        isinstance(item, GoleakItem)
        or item.get_closest_marker("goleak") is not None
        or any(name == "goleak" or name.startswith("goleak_") for name in names)
    )


class GoleakFile(pytest.File):
    """The configuration file as a collection of leak tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each endpoint."""
        endpoints = plan_of(self.config).endpoints
        if flag(self.config, "goleak") and flag(self.config, "goleak_selftest"):
            from pytest_goleak.plugin.selftest import SelftestItem  # noqa: PLC0415 - only with --goleak-selftest

            yield from SelftestItem.pair(self, endpoints[0])
        for endpoint in endpoints:
            item = GoleakItem.from_parent(self, name=endpoint.name, endpoint=endpoint)
            if endpoint.xfail is not None:
                item.add_marker(pytest.mark.xfail(reason=endpoint.xfail, raises=AssertionError, strict=False))
            yield item


class GoleakItem(pytest.Item):
    """One endpoint of the configuration file."""

    def __init__(self, *, endpoint: Endpoint, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.endpoint = endpoint

    def runtest(self) -> None:
        """Examine the endpoint; raise what its outcome calls for."""
        from pytest_goleak.plugin.run import run_of  # noqa: PLC0415 - heavy, and only with --goleak

        run = run_of(self.config)
        run.adopt(None, plan_of(self.config).auth)
        run.judge(self, run.check(self, self.endpoint), self.endpoint.measure.tolerance)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:  # noqa: ARG002
        """Return the message alone: a traceback through this plugin tells the user nothing."""
        from pytest_goleak.plugin.outcome import explain  # noqa: PLC0415 - see above

        return explain(excinfo.value) or str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the endpoint in pytest's reports."""
        return self.path, 0, self.name


def _contains(argument: Path, path: Path) -> bool:
    resolved = argument.resolve()
    return resolved == path or resolved in path.parents
