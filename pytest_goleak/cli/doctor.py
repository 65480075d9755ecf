"""``goleak doctor``: is everything in place for leak tests of this service, and what can be measured?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from pytest_goleak.cli.check import Check, Status, as_json, as_table, exit_code
from pytest_goleak.model.errors import ConfigError, GoleakError
from pytest_goleak.model.plan import RunPlan

__all__ = ["HELP", "add_arguments", "examine"]

HELP = "check that the service can be reached and measured"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand's options to its *parser*."""
    parser.epilog = "Exit code: 0 all is well, 1 there are warnings, 2 something fails."
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (default: goleak.toml or pyproject.toml here)"
    )
    parser.add_argument("--url", metavar="URL", help="the running service (overrides [target])")
    parser.add_argument("--selftest", action="store_true", help="plant known leaks and require that they are found")
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    checks = list(examine(arguments.config, url=arguments.url, selftest=arguments.selftest))
    sys.stdout.write((as_json(checks) if arguments.json else as_table(checks)) + "\n")
    return exit_code(checks)


def examine(config: Path | None, *, url: str | None = None, selftest: bool = False) -> Iterator[Check]:
    """Yield the checks, in an order in which each one rests on those before it; end where nothing more can be asked.

    Args:
        config: the configuration file, by default that of the current directory.
        url: a running service to ask instead of the configured one.
        selftest: whether to plant known leaks, too.

    """
    try:
        plan = _read(config, url)
    except ConfigError as problem:
        yield Check(name="configuration", status=Status.FAIL, detail=str(problem))
        return
    count = len(plan.endpoints)
    yield Check(
        name="configuration",
        status=Status.OK if count else Status.WARN,
        detail=f"{plan.source or 'no file'}, {count} endpoint{'s' * (count != 1)}",
        advice="" if count else "Name what is to be tested: [[endpoints]] in goleak.toml, a health check first.",
    )
    yield from _examine_service(plan, selftest=selftest)


def _examine_service(plan: RunPlan, *, selftest: bool) -> Iterator[Check]:
    from pytest_goleak.cli import measuring, service  # noqa: PLC0415 - numpy, scipy and pycurl, not for --help
    from pytest_goleak.session.drivers import BUILT_IN  # noqa: PLC0415 - see above
    from pytest_goleak.session.session import GoleakSession  # noqa: PLC0415 - see above

    with GoleakSession(plan, drivers=BUILT_IN) as session:
        try:
            target = session.service.target
        except GoleakError as problem:
            yield Check(name="service", status=Status.FAIL, detail=str(problem))
            return
        yield service.describe(plan, target)
        try:
            equipment = session.service.equipment
        except GoleakError as problem:
            yield Check(name="profiles", status=Status.FAIL, detail=str(problem))
            return
        yield Check(name="profiles", status=Status.OK, detail=", ".join(equipment.profiles))
        yield service.check_token(plan, target)
        yield service.check_go_version(session.service.info, equipment.profiles)
        yield service.check_one_process(plan, target)
        yield from measuring.check_signals(plan, equipment)
        for endpoint in plan.endpoints:
            yield measuring.check_load(session, endpoint)
        if selftest:
            yield from measuring.check_controls(session, plan)


def _read(config: Path | None, url: str | None) -> RunPlan:
    from pytest_goleak.config import load  # noqa: PLC0415 - pydantic, not for --help

    overrides = {"target.url": url}
    path = config if config is not None else load.find(Path.cwd())
    plan = (
        load.from_mapping({}, root=Path.cwd(), overrides=overrides)
        if path is None
        else load.read(path, overrides=overrides)
    )
    load.require_target(plan)
    return plan
