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

FILE_NAME = "goleak.toml"

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
    """Return the configuration file of this run, if there is one.

    ``--goleak-config`` names it; else it is an argument, or lies in a directory that is one; else in the current
    directory; else in rootdir.
    """
    given = value(config, "goleak_config")
    here = config.invocation_params.dir
    if isinstance(given, Path):
        path = here / given
        if not path.is_file():
            raise pytest.UsageError(
                f"--goleak-config: {str(given)!r} is not a file. Expected a goleak.toml; "
                f"docs/reference/configuration.md describes it."
            )
        return path.resolve()
    arguments = [here / argument.split("::")[0] for argument in config.args]
    for place in (*arguments, here):
        path = place if place.name == FILE_NAME else place / FILE_NAME
        if path.is_file():
            return path.resolve()
    return _in_rootdir(config.rootpath)


def _in_rootdir(rootdir: Path) -> Path | None:
    if not any((rootdir / name).is_file() for name in (FILE_NAME, "pyproject.toml")):
        return None
    from pytest_goleak.config.document import find  # noqa: PLC0415 - only where there may be something to find

    try:
        return find(rootdir)
    except ConfigError as problem:
        raise pytest.UsageError(str(problem)) from None
