"""Verdicts in one sentence that a person understands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import SignalEstimate
from pytest_goleak.model.units import format_bytes, format_count

__all__ = ["MAY_HIDE", "NOT_BY_REQUEST", "amount", "as_ratio", "bounds", "growth"]

NOT_BY_REQUEST = {
    GrowthClass.PER_CONNECTION: ", as much for each connection, however many requests it carries",
    GrowthClass.PER_KEY: ", and only by requests that differ: the same one again adds nothing",
    GrowthClass.PER_ERROR: ", as much for each answer with a status of 400 or more",
}
"""What is said of a leak that follows something else than the requests."""

MAY_HIDE = "what earlier requests had left went away meanwhile, and may hide what stays"
"""Why a drain proves nothing."""

_NOUN = {Signal.HEAP_BYTES: "heap", Signal.HEAP_OBJECTS: "live objects", Signal.GOROUTINES: "goroutines"}


def amount(signal: Signal, figure: float) -> str:
    """Return *figure* with its unit: ``256 B``, ``1 object``, ``0.01 goroutines``."""
    if signal is Signal.HEAP_BYTES:
        return format_bytes(figure)
    text = format_count(figure)
    return f"{text} {signal.unit[:-1] if text == '1' else signal.unit}"


def growth(estimates: Mapping[Signal, SignalEstimate], signals: Iterable[Signal]) -> str:
    """Return ``heap grows by 256 B per request and goroutines grow by 1 per request``."""
    parts = []
    for signal in signals:
        estimate = estimates[signal]
        if estimate.per_request <= 0:
            parts.append(f"{_NOUN[signal]} {'goes' if signal is Signal.HEAP_BYTES else 'go'} up and down")
            continue
        rate = as_ratio(estimate) if signal is not Signal.HEAP_BYTES else None
        figure = f"by {rate}" if rate else f"by {amount(signal, estimate.per_request)} per request"
        parts.append(f"{_NOUN[signal]} {'grows' if signal is Signal.HEAP_BYTES else 'grow'} {figure}")
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def as_ratio(estimate: SignalEstimate) -> str | None:
    """Return ``exactly 2 per request`` or ``1 per 100 requests`` where the interval holds such a number alone."""
    figure = estimate.per_request
    if figure >= 0.95:
        whole = round(figure)
        if abs(figure - whole) < 0.02 and estimate.low > whole - 0.2 and estimate.high < whole + 0.2:
            return f"{whole} per request"
    elif figure > 0:
        every = round(1 / figure)
        is_alone = estimate.low > 1 / (every + 0.5) and estimate.high < 1 / (every - 0.5)
        if every > 1 and is_alone and estimate.low <= 1 / every <= estimate.high:
            return f"1 per {every} requests"
    return None


def bounds(estimates: Mapping[Signal, SignalEstimate]) -> str:
    """Return the upper bounds as ``at most 3.1 B, 0.004 objects and 0 goroutines per request``."""
    figures = [amount(signal, max(0.0, estimate.high)) for signal, estimate in estimates.items()]
    return f"at most {', '.join(figures[:-1])} and {figures[-1]} per request"
