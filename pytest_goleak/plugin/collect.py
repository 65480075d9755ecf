"""Leak tests among the collected items: those of the configuration file, and Python tests that ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_goleak.plugin.items import CalibrateItem, GoleakFile, GoleakItem
from pytest_goleak.plugin.marker import check_marker
from pytest_goleak.plugin.options import calibration_runs, flag
from pytest_goleak.plugin.settings import config_file, plan_of

__all__ = ["Collector"]

GROUP = "goleak"
"""Name of the xdist group: endpoints of one target go to one worker where its scheduler knows groups."""

DISABLED = "leak tests run with --goleak"
CALIBRATING = "only endpoints of the configuration file are calibrated"


class Collector:
    """Turns the endpoints of the configuration file into items, and marks the Python leak tests."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._path = config_file(config)
        self._add_to_arguments()

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
        if self._path is not None and file_path == self._path and self._has_items():
            collector: pytest.Collector = GoleakFile.from_parent(parent, path=file_path)
            return collector
        return None

    def _has_items(self) -> bool:
        """Whether the configuration file has endpoints, or a mistake that its item can name."""
        try:
            return bool(plan_of(self._config).endpoints)
        except pytest.UsageError:
            return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep leak tests of the target in one xdist worker, and skip them where they are not asked for."""
        enabled = flag(self._config, "goleak")
        if enabled:
            from pytest_goleak.plugin.drivers import check_load  # noqa: PLC0415 - load, only with --goleak

            check_load(self._config, items)
        for item in items:
            if not is_leak_test(item):
                continue
            check_marker(item)
            if self._config.pluginmanager.hasplugin("xdist"):  # which declares the marker
                item.add_marker(pytest.mark.xdist_group(GROUP))
            if not enabled:
                item.add_marker(pytest.mark.skip(reason=DISABLED))
            elif calibration_runs(self._config) and not isinstance(item, CalibrateItem):
                item.add_marker(pytest.mark.skip(reason=CALIBRATING))


def is_leak_test(item: pytest.Item) -> bool:
    """Whether *item* measures the service."""
    names = getattr(item, "fixturenames", ())
    return (
        isinstance(item, GoleakItem)
        or item.get_closest_marker("goleak") is not None
        or any(name == "goleak" or name.startswith("goleak_") for name in names)
    )


def _contains(argument: Path, path: Path) -> bool:
    resolved = argument.resolve()
    return resolved == path or resolved in path.parents
