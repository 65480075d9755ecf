"""The negative control: a gate that cannot fail is worse than none, so what is known to leak must be found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Endpoint, Tolerance
from pytest_goleak.model.protocols import LoadDriver, ProgressListener
from pytest_goleak.model.report import EndpointReport, Finding, Outcome
from pytest_goleak.session.held import HeldConnections, HoldingDriver, WatchedSource
from pytest_goleak.session.planted import CountingDriver, Plant, PlantedSource
from pytest_goleak.session.session import GoleakSession
from pytest_goleak.target.address import address_of

__all__ = [
    "Control",
    "ControlOutcome",
    "ControlResult",
    "judge_figures",
    "judge_nothing",
    "judge_service",
    "run_control",
]

SEE = "Passes of this run prove nothing; see docs/how-to/trust-the-gate.md."

FEWEST_PLANTED = 3
"""Connections that must be held before the service's counters can show whether they cost it anything."""


MOST_EACH = 3
"""Goroutines that a service keeps for one idle connection; where there are more, the endpoint itself leaves them."""


class Control(StrEnum):
    """What is planted."""

    FIGURES = "figures"
    SERVICE = "service"
    NOTHING = "nothing"

    @property
    def claim(self) -> str:
        """What is claimed."""
        if self is Control.NOTHING:
            return "nothing planted is not found"
        return f"a leak planted in the {self.value} is found"


class ControlOutcome(StrEnum):
    """How a control ended; ``not planted`` is neither a pass nor the judge's failure."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PLANTED = "not planted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """How one control ended, and why."""

    outcome: ControlOutcome
    message: str
    """One or two sentences: what was planted, what was seen, and what to do where that is not the same."""
    report: EndpointReport


def run_control(
    session: GoleakSession,
    control: Control,
    endpoint: Endpoint,
    *,
    item_id: str,
    listen: ProgressListener = lambda _: None,
) -> ControlResult:
    """Examine *endpoint* with *control* in place, and hold the verdict against what was planted."""
    match control:
        case Control.FIGURES:
            return _plant_figures(session, endpoint, item_id, listen)
        case Control.SERVICE:
            return _plant_service(session, endpoint, item_id, listen)
        case Control.NOTHING:
            return judge_nothing(session.examine(endpoint, item_id=item_id, listen=listen))


# --- planted in the figures -----------------------------------------------------------------------------------------


def _plant_figures(session: GoleakSession, endpoint: Endpoint, item_id: str, listen: ProgressListener) -> ControlResult:
    plant = Plant.beyond(endpoint.measure.tolerance)

    def arrange(driver: LoadDriver, equipment: Equipment) -> tuple[LoadDriver, Equipment]:
        counting = CountingDriver(driver)
        source = PlantedSource(equipment.source, counting, plant)
        return counting, dataclasses.replace(equipment, source=source, sample_bytes=1)

    return judge_figures(session.examine(endpoint, arrange=arrange, item_id=item_id, listen=listen), plant)


def judge_figures(report: EndpointReport, plant: Plant) -> ControlResult:
    """Return whether *report* finds *plant*, in every signal."""
    found = {signal for signal, estimate in report.signals.items() if estimate.outcome is Outcome.LEAK}
    missed = [signal.value for signal in Signal if signal not in found]
    planted = (
        f"{plant.bytes:g} B, {plant.objects:g} objects and {plant.goroutines:g} goroutines per request were planted"
    )
    if not missed:
        return _result(report, ControlOutcome.PASSED, f"{planted} in the figures, and found")
    return _result(
        report,
        ControlOutcome.FAILED,
        f"{planted} in the figures, and {', '.join(missed)} were not found: {_verdict(report)}. {SEE}",
    )


# --- planted in the service -----------------------------------------------------------------------------------------


def _plant_service(session: GoleakSession, endpoint: Endpoint, item_id: str, listen: ProgressListener) -> ControlResult:
    # A tolerance that was widened would ask for more connections than anyone can hold.
    strict = min(endpoint.measure.tolerance.goroutines, Tolerance().goroutines)
    tolerance = dataclasses.replace(endpoint.measure.tolerance, goroutines=strict)
    judged = dataclasses.replace(endpoint, measure=dataclasses.replace(endpoint.measure, tolerance=tolerance))
    planted: list[tuple[HeldConnections, WatchedSource]] = []

    def arrange(driver: LoadDriver, equipment: Equipment) -> tuple[LoadDriver, Equipment]:
        url = urljoin(f"{equipment.target.url}/", endpoint.path)
        held = HeldConnections(address_of(url, socket=equipment.socket))
        watched = WatchedSource(equipment.source, held)
        planted.append((held, watched))
        holding = HoldingDriver(driver, held, per_request=2 * strict)
        return holding, dataclasses.replace(equipment, source=watched, sample_bytes=1)

    try:
        report = session.examine(judged, arrange=arrange, item_id=item_id, listen=listen)
        if not planted:
            return _result(report, ControlOutcome.FAILED, f"{report.reason} {SEE}")
        held, watched = planted[0]
        return judge_service(report, held, watched)
    finally:
        for held, _ in planted:
            held.close()


def judge_service(report: EndpointReport, held: HeldConnections, watched: WatchedSource) -> ControlResult:
    """Return whether *report* finds the goroutines of the connections that *held* left open.

    Where the service's own counters show that the connections did not cost it a goroutine each, nothing was planted:
    that is no failure of the judge, and no pass either. The same goes for an endpoint that leaves so many goroutines of
    its own that the plant would hide among them.
    """
    connections, goroutines = watched.planted
    if connections >= FEWEST_PLANTED and goroutines > MOST_EACH * connections:
        message = (
            f"{connections:,} connections were left open, and there are {goroutines:,} more goroutines: those of the "
            f"endpoint itself, so a leak that is found proves nothing. Put an endpoint that is known to be clean, such "
            f"as a health check, first in the configuration."
        )
        return _result(report, ControlOutcome.NOT_PLANTED, message)
    if connections >= FEWEST_PLANTED and goroutines >= 0.5 * connections:
        return _judge_planted(report, held, connections, goroutines)
    if not held and report.outcome is Outcome.ERROR:
        return _result(report, ControlOutcome.FAILED, f"{report.reason} {SEE}")
    return _result(report, ControlOutcome.NOT_PLANTED, _why_not_planted(report, held, connections, goroutines))


def _judge_planted(report: EndpointReport, held: HeldConnections, connections: int, goroutines: int) -> ControlResult:
    what = f"{connections:,} connections were left open, for which the service kept {goroutines:,} goroutines"
    estimate = report.signals.get(Signal.GOROUTINES)
    if report.outcome is not Outcome.LEAK or estimate is None or estimate.outcome is not Outcome.LEAK:
        if held.is_capped:
            message = f"{what}; that is all that {_cap(held)}, so growth ended before it was certain: {report.reason}"
            return _result(report, ControlOutcome.NOT_PLANTED, message)
        if report.outcome is Outcome.INCONCLUSIVE and held.closed_by_service > len(held):
            message = (
                f"{what}; but it kept closing them ({held.closed_by_service:,} times), so the plant was not steady: "
                f"{report.reason} Give the service a longer ReadHeaderTimeout in tests."
            )
            return _result(report, ControlOutcome.NOT_PLANTED, message)
        if report.outcome is Outcome.ERROR:
            message = (
                f"{what}; then it could not be measured any more: {report.reason} If the service limits its "
                f"connections, allow it {max(2 * len(held), 1000):,} in tests."
            )
            return _result(report, ControlOutcome.NOT_PLANTED, message)
        return _result(report, ControlOutcome.FAILED, f"{what}, and that was not found: {_verdict(report)}. {SEE}")
    blamed = [finding for finding in report.findings if finding.kind == "goroutine"]
    serving = next(filter(_handles_connections, blamed), None)
    if serving is None:
        named = ", ".join(finding.function for finding in blamed) or "no place"
        return _result(report, ControlOutcome.FAILED, f"{what}, and {named} was blamed for it. {SEE}")
    return _result(report, ControlOutcome.PASSED, f"{what}, found in {serving.function}")


def _handles_connections(finding: Finding) -> bool:
    """Whether *finding* is a goroutine that waits for what a client sends."""
    serves = any(line.startswith("net/http.(*conn).serve") for line in finding.stack)
    waits = finding.state == "IO wait" or any("runtime_pollWait" in line for line in finding.stack)
    return serves or waits


def _why_not_planted(report: EndpointReport, held: HeldConnections, connections: int, goroutines: int) -> str:
    if held.refusal:
        why = f"a connection could not be opened: {held.refusal}"
    elif report.outcome is Outcome.ERROR:
        why = f"the service did not answer with {len(held):,} idle connections open: {report.reason}"
    elif held.closed_by_service:
        why = f"it closes idle connections at once ({held.closed_by_service:,} were closed)"
    elif held.is_capped and connections < FEWEST_PLANTED:
        why = f"{_cap(held)}"
    elif connections < FEWEST_PLANTED:
        why = f"only {report.requests:,} requests could be sent, which is too few for a connection now and then"
    else:
        why = "something before it accepts the connections, such as a proxy, or it keeps no goroutine for each"
    return (
        f"nothing could be planted in the service: {connections:,} more connections made {goroutines:,} more "
        f"goroutines; {why}. What is planted in the figures is the control then."
    )


def _cap(held: HeldConnections) -> str:
    return f"this process may hold (limit {held.limit:,}; see ulimit -n)"


# --- nothing planted ------------------------------------------------------------------------------------------------


def judge_nothing(report: EndpointReport) -> ControlResult:
    """Return whether *report* finds nothing, where nothing was planted."""
    if report.outcome is Outcome.CLEAN:
        return _result(report, ControlOutcome.PASSED, "nothing was planted, and nothing found")
    return _result(
        report,
        ControlOutcome.FAILED,
        f"nothing was planted, and {report.name} is {_verdict(report)}. Put an endpoint that is known "
        f"to be clean, such as a health check, first in the configuration.",
    )


def _verdict(report: EndpointReport) -> str:
    return f"{report.outcome}, {report.reason.rstrip('.')}"


def _result(report: EndpointReport, outcome: ControlOutcome, message: str) -> ControlResult:
    return ControlResult(outcome=outcome, message=message, report=report)
