"""What the ``goleak`` fixture gives to a test."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.config.load import with_overrides
from pytest_goleak.load.scenario import Scenario, ScenarioDriver
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import Endpoint, RunPlan
from pytest_goleak.model.report import EndpointReport
from pytest_goleak.plugin.marker import arguments_of
from pytest_goleak.plugin.options import from_command_line
from pytest_goleak.plugin.settings import plan_of

if TYPE_CHECKING:
    from pytest_goleak.plugin.run import GoleakRun

__all__ = ["Goleak", "scenario_endpoint"]

_REQUEST = re.compile(r"([A-Z]+) (/\S*|https?://\S+)")


class Goleak:
    """Checks endpoints and scenarios of the target for leaks."""

    def __init__(self, run: GoleakRun, item: pytest.Item) -> None:
        self._run = run
        self._item = item

    def check(self, what: str | Scenario, /, **settings: object) -> EndpointReport:
        """Judge *what* and return the report; a leak does not raise.

        Args:
            what: the name of an endpoint in the configuration, a request such as ``"GET /users"``, or a function
                that is called with an ``httpx.Client`` on the target, one call for one iteration.
            settings: any key of ``[load]`` and ``[measure]``, such as ``budget="10s"``.

        Raises:
            ConfigError: no such endpoint, or a setting is wrong.

        """
        return self._check(self._endpoint(what, settings), what)

    def assert_no_leak(self, what: str | Scenario, /, **settings: object) -> EndpointReport:
        """Judge *what*; raise unless it is proven clean. See :meth:`check` for the arguments.

        Raises:
            LeakError: there is a leak; the message says where, why, and what to do.
            MeasurementError: it could not be measured, which is never a pass.

        An inconclusive endpoint skips the test with its reason, or fails it with ``--goleak-strict``.

        """
        __tracebackhide__ = True
        endpoint = self._endpoint(what, settings)
        report = self._check(endpoint, what)
        self._run.judge(self._item, report, endpoint.measure.tolerance)
        return report

    def _endpoint(self, what: str | Scenario, settings: dict[str, object]) -> Endpoint:
        plan = plan_of(self._run.config)
        endpoint = _named(plan, what) if isinstance(what, str) else scenario_endpoint(plan, what)
        overrides = from_command_line(self._run.config)
        return with_overrides(endpoint, overrides=overrides, marker=arguments_of(self._item), **settings)

    def _check(self, endpoint: Endpoint, what: str | Scenario) -> EndpointReport:
        driver = None if isinstance(what, str) else ScenarioDriver(what)
        return self._run.check(self._item, endpoint, driver=driver)


def scenario_endpoint(plan: RunPlan, function: Callable[..., object]) -> Endpoint:
    """Return the endpoint that stands for a scenario in reports; its calls come one after the other by default."""
    name = getattr(function, "__qualname__", type(function).__name__).rpartition("<locals>.")[2]
    load = dataclasses.replace(plan.load, driver="scenario", concurrency=1, is_fixed=True)
    return Endpoint(name=name, method="SCENARIO", path="", load=load, measure=plan.measure)


def _named(plan: RunPlan, name: str) -> Endpoint:
    for endpoint in plan.endpoints:
        if endpoint.name == name:
            return endpoint
    request = _REQUEST.fullmatch(name)
    if request:
        return Endpoint(name=name, method=request[1], path=request[2], load=plan.load, measure=plan.measure)
    known = [endpoint.name for endpoint in plan.endpoints]
    near = difflib.get_close_matches(name, known, n=1)
    raise ConfigError(
        f"{name!r} is no endpoint of {plan.source or 'the configuration'}, nor a request such as 'GET /users'."
        + (f" Did you mean {near[0]!r}?" if near else f" Known endpoints: {', '.join(known) or 'none'}.")
    )
