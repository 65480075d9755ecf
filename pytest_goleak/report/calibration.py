"""A calibration for a reader: plain text, at most 100 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pytest_goleak.model.calibration import Calibration, NoiseFloor
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.model.units import format_count, format_seconds
from pytest_goleak.report.figures import NOUNS, amount
from pytest_goleak.report.finding_text import wrapped

__all__ = ["render_calibration", "tolerance_text"]

_WIDTH = 19
_MOST_REASONS = 3
_MEND = (
    "Mend the leak, or calibrate by an endpoint that is known to be clean. No tolerance is suggested: it would hide "
    "the leak."
)
_LOOK = (
    "Either a leak on a path that is taken now and then, or false alarms. Look at the place that was found; if nothing "
    "is kept there, please report it with the seed. No settings are suggested until then."
)


def render_calibration(calibration: Calibration) -> str:
    """Return all that the runs taught, and what to do with it."""
    lines = [_title(calibration)]
    for label, text in _rows(calibration):
        first, *rest = wrapped(text, " " * (_WIDTH + 2))
        lines += [f"  {label.ljust(_WIDTH)}{first.lstrip()}", *rest]
    return "\n".join(lines)


def _title(calibration: Calibration) -> str:
    seeds = calibration.seeds
    numbered = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    runs = f"{calibration.runs} run{'s' * (calibration.runs != 1)}"
    return f"{calibration.name}: {runs} against itself, {numbered}, budget {calibration.budget_s:g} s"


def _rows(calibration: Calibration) -> Iterator[tuple[str, str]]:
    yield "verdicts", _verdicts(calibration)
    median_s, longest_s = calibration.verdict_s
    requests, most = calibration.requests
    yield "time to verdict", f"median {format_seconds(median_s)}, longest {format_seconds(longest_s)}"
    rate = f"; {format_count(calibration.rate)} per second under load" if calibration.rate else ""
    yield "requests", f"median {requests:,}, most {most:,}{rate}"
    for signal, floor in calibration.noise.items():
        yield f"noise, {_short(signal)}", _noise(floor, signal)
    if calibration.stated:
        yield "seen by the runs", f"growth of ≥ {_amounts(calibration.stated)} per request (median of the clean runs)"
    if calibration.predicted:
        yield "foretold", f"with this budget you would see ≥ {_amounts(calibration.predicted)} per request"
    for reason in calibration.reasons[:_MOST_REASONS]:
        yield "not clean", reason
    if calibration.places:
        yield "found in", ", ".join(calibration.places[:_MOST_REASONS])
    yield from _advice(calibration)


def _verdicts(calibration: Calibration) -> str:
    counts = ", ".join(
        f"{calibration.count(outcome)} {outcome.value}" for outcome in Outcome if calibration.count(outcome)
    )
    interval = f"95 % interval {100 * calibration.leaks_low:.0f} to {100 * calibration.leaks_high:.0f} %"
    if calibration.is_leak:
        return f"{counts}: this is a leak, no false alarm ({interval})"
    share = calibration.count(Outcome.LEAK) / calibration.runs
    return f"{counts}; false alarms {100 * share:.3g} % ({interval})"


def _noise(floor: NoiseFloor, signal: Signal) -> str:
    sizes = f"median {amount(floor.median, signal.unit)}, largest {amount(floor.largest, signal.unit)}"
    return f"{sizes} per round without requests"


def _advice(calibration: Calibration) -> Iterator[tuple[str, str]]:
    suggestion = calibration.suggestion
    if suggestion is not None:
        yield "budget", f'"{suggestion.budget_s:g}s": {suggestion.budget_reason}'
        yield "tolerance", f"{tolerance_text(suggestion.tolerance)}: {suggestion.tolerance_reason}"
    elif calibration.is_leak:
        yield "next", _MEND
    elif calibration.count(Outcome.LEAK):
        yield "next", _LOOK
    else:
        yield "next", "Mend what kept the runs from measuring; no settings are suggested until then."


def tolerance_text(tolerance: Tolerance) -> str:
    """Return *tolerance* as ``goleak.toml`` has it."""
    return f"bytes = {tolerance.bytes:g}, objects = {tolerance.objects:g}, goroutines = {tolerance.goroutines:g}"


def _short(signal: Signal) -> str:
    return NOUNS[signal].removeprefix("heap ")


def _amounts(figures: Mapping[Signal, float]) -> str:
    parts = [amount(figure, signal.unit) for signal, figure in figures.items() if math.isfinite(figure)]
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
