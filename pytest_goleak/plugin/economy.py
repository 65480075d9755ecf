"""Where a run saves time: a screen of all endpoints together, and a total budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress

import pytest

from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import ProgressListener
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.model.units import parse_duration
from pytest_goleak.plugin.items import CalibrateItem, GoleakItem, SelftestItem
from pytest_goleak.plugin.options import flag, value
from pytest_goleak.session.allowance import Allowance
from pytest_goleak.session.clock import MonotonicClock
from pytest_goleak.session.screening import screen_session
from pytest_goleak.session.session import GoleakSession, unmeasured

__all__ = ["Economy", "check_economy"]


class Economy:
    """Knows which items are to come, and so what each of them may take."""

    def __init__(self, config: pytest.Config) -> None:
        self._is_screening = flag(config, "goleak_screen")
        total = value(config, "goleak_total_budget")
        self._total_s = parse_duration(total) if isinstance(total, str) else None
        self._workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
        self._endpoints: list[tuple[str, Endpoint]] = []
        self._allowance: Allowance | None = None
        self._cleared: dict[str, EndpointReport] | None = None

    def expect(self, items: Sequence[pytest.Item]) -> None:
        """Take in the leak tests that will run."""
        self._endpoints = [
            (item.nodeid, item.endpoint)
            for item in items
            if isinstance(item, GoleakItem) and not isinstance(item, (CalibrateItem, SelftestItem))
        ]
        if self._total_s is not None:
            checks = max(1, len(items) // self._workers)
            self._allowance = Allowance(self._total_s, checks=checks, clock=MonotonicClock())

    def cleared(self, item_id: str, session: GoleakSession, listen: ProgressListener) -> EndpointReport | None:
        """Return the report of an endpoint that the screen cleared; the first call screens them all."""
        if not self._is_screening:
            return None
        if self._cleared is None:
            known = [each for each in self._endpoints if each[1].xfail is None]
            self._cleared = screen_session(session, known, listen=listen)
        return self._cleared.get(item_id)

    def allowed(self, endpoint: Endpoint, session: GoleakSession) -> Endpoint | None:
        """Return *endpoint* with the budget that it may take, ``None`` if the total budget is spent."""
        if self._allowance is None:
            return endpoint
        with suppress(GoleakError):  # building and starting the service is not on this budget
            session.service.prepare()
        share_s = self._allowance.share(endpoint.measure.budget_s)
        if share_s is None:
            return None
        return dataclasses.replace(endpoint, measure=dataclasses.replace(endpoint.measure, budget_s=share_s))

    def spent(self, endpoint: Endpoint, item_id: str) -> EndpointReport:
        """Return the report of an endpoint that was left out."""
        why = self._allowance.refusal() if self._allowance else ""
        reason = f"not measured: {why}. Raise --goleak-total-budget, or take fewer endpoints."
        return unmeasured(endpoint, item_id, reason, Outcome.INCONCLUSIVE)


def check_economy(config: pytest.Config) -> None:
    """Refuse a screen by several processes: it is one measurement of all endpoints together.

    Raises:
        pytest.UsageError: ``--goleak-screen`` with ``-n``.

    """
    if flag(config, "goleak_screen") and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError(
            "--goleak-screen measures all endpoints together, in one process: leave out -n, or the screen"
        )
