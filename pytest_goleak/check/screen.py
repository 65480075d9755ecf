"""Many endpoints at a time: clear those that can't leak, and leave the others to a closer look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.measure.conduct import Bench, conduct
from pytest_goleak.measure.mix import MixStream
from pytest_goleak.measure.settle import Patience, settle
from pytest_goleak.measure.stream import LoadStream
from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.plan import Endpoint, MeasurePlan, Tolerance
from pytest_goleak.model.protocols import LoadDriver, Progress, ProgressListener
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.screen import screen

__all__ = ["Cleared", "Screened", "screen_endpoints"]

TRIAL_REQUESTS = 16
SLOW_TRIAL_S = 0.25
"""An endpoint that takes longer for its trial requests would hold up all others."""

PROBE_REQUESTS = 200
SLOW_PROBE_S = 0.2
"""Likewise for the requests that show whether it leaves something."""

SECONDS_EACH = 1.0
"""Time for one screen, per endpoint in it."""

FEWEST = 2
"""A mix of fewer is no mix."""

MOST_UNSTEADY = 1 / 3
"""Where more leave something, it goes away all the time, and closer looks at all are quicker."""

MAX_DIVISIONS = 1
"""More of them would take longer than the closer looks that they save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """An endpoint and what drives it."""

    endpoint: Endpoint
    driver: LoadDriver


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """Endpoints that one screen proved clean together."""

    endpoints: tuple[Endpoint, ...]
    verdict: Verdict
    duration_s: float


def screen_endpoints(
    candidates: Sequence[Screened], *, equipment: Equipment, listen: ProgressListener = lambda _: None
) -> tuple[Cleared, ...]:
    """Screen those of *candidates* together of which one dose leaves nothing, and halves of them where that fails.

    What is not in the result was not cleared, for whatever reason; nothing is said against it. Never raises for what
    the service does.
    """
    screening = _Screening(candidates, equipment, listen)
    return tuple(screening.clear(screening.steady()))


class _Screening:
    def __init__(self, candidates: Sequence[Screened], equipment: Equipment, listen: ProgressListener) -> None:
        self.equipment = equipment
        self.listen = listen
        self.patience = Patience()
        self.streams = [
            LoadStream(each.endpoint, target=equipment.target, driver=each.driver, socket=equipment.socket)
            for each in candidates
        ]

    def steady(self) -> list[LoadStream]:
        """Return the streams of endpoints that answer fast enough to wait for, and of which one dose leaves nothing.

        That is a first guess, which proves nothing: what it leaves out is examined alone. Where that is too many, none
        is returned, and no further one is tried.
        """
        with suppress(GoleakError):
            self._look()
        steady: list[LoadStream] = []
        for tried, stream in enumerate(self.streams, start=1):
            self._tell("trying each endpoint", stream)
            with suppress(GoleakError):  # the closer look will say what is wrong
                if self._is_steady(stream):
                    steady.append(stream)
            if tried - len(steady) > MOST_UNSTEADY * len(self.streams):
                return []
        return steady

    def clear(self, streams: list[LoadStream], *, divisions: int = MAX_DIVISIONS) -> Iterator[Cleared]:
        """Yield what can be cleared of *streams*, dividing them so many times where something may grow."""
        if len(streams) < FEWEST:
            return
        started_s = self.equipment.clock.now()
        try:
            verdict = self._screen(streams)
        except GoleakError:  # the closer look will say what is wrong
            return
        if verdict.outcome is Outcome.CLEAN:
            yield Cleared(
                endpoints=tuple(stream.endpoint for stream in streams),
                verdict=verdict,
                duration_s=self.equipment.clock.now() - started_s,
            )
        elif divisions:
            middle = len(streams) // 2
            yield from self.clear(streams[:middle], divisions=divisions - 1)
            yield from self.clear(streams[middle:], divisions=divisions - 1)

    def _screen(self, streams: list[LoadStream]) -> Verdict:
        plan = _common([stream.endpoint.measure for stream in streams])
        plan = replace(plan, budget_s=max(plan.budget_s, SECONDS_EACH * len(streams)))
        bench = Bench(
            stream=MixStream(streams),
            source=self.equipment.source,
            clock=self.equipment.clock,
            take_snapshot=lambda _: None,
            listen=self.listen,
            budget_s=plan.budget_s,
            past=self.equipment.past,
        )
        return conduct(screen(plan, name="/".join(stream.name for stream in streams)), bench)

    def _is_steady(self, stream: LoadStream) -> bool:
        """Whether this endpoint is quick, and one dose of it alone leaves nothing behind."""
        if stream.send(TRIAL_REQUESTS, deadline_s=stream.timeout_s).duration_s > SLOW_TRIAL_S:
            return False
        thresholds = Thresholds(stream.endpoint.measure.tolerance)
        before = self._look()
        dose = stream.send(PROBE_REQUESTS, deadline_s=stream.timeout_s)
        after = self._look()
        return dose.duration_s < SLOW_PROBE_S and not any(
            after.level(signal) - before.level(signal)
            > max(thresholds.floor(signal), thresholds.margin(signal) * PROBE_REQUESTS)
            for signal in Signal
        )

    def _look(self) -> Observation:
        """Return the levels at rest; later measurements have to know of them, too."""
        self.patience.begin_block()
        observation = settle(self.equipment.source, self.equipment.clock, patience=self.patience)
        self.equipment.past.append(Measured(looks=(observation,)))
        return observation

    def _tell(self, stage: str, stream: LoadStream) -> None:
        self.listen(Progress(endpoint=stream.name, stage=stage, requests=stream.sent))


def _common(plans: Sequence[MeasurePlan]) -> MeasurePlan:
    """Return a plan that is as strict as the strictest of *plans* in everything."""
    tolerance = Tolerance(
        bytes=min(plan.tolerance.bytes for plan in plans),
        objects=min(plan.tolerance.objects for plan in plans),
        goroutines=min(plan.tolerance.goroutines for plan in plans),
    )
    return MeasurePlan(budget_s=min(plan.budget_s for plan in plans), tolerance=tolerance, seed=plans[0].seed)
