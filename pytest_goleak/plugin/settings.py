"""The plan of this run: the configuration file with every option applied, read once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.model.errors import ConfigError
from pytest_goleak.plugin.options import from_command_line, from_ini, value

if TYPE_CHECKING:
    from pytest_goleak.model.plan import RunPlan

__all__ = ["config_file", "plan_of"]

PLAN = pytest.StashKey["RunPlan"]()


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
