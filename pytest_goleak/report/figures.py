"""Figures and places in words, as all formats write them."""

from __future__ import annotations

import math

from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import EndpointReport, Finding, Outcome, SignalEstimate
from pytest_goleak.model.units import format_bytes, format_count, format_seconds

__all__ = [
    "CLASSES",
    "NOUNS",
    "amount",
    "bounded_by",
    "effort",
    "finding_growth",
    "growth",
    "headline",
    "interval",
    "p_value",
    "visible",
]

NOUNS = {Signal.HEAP_BYTES: "heap bytes", Signal.HEAP_OBJECTS: "heap objects", Signal.GOROUTINES: "goroutines"}
_SUBJECTS = {Signal.HEAP_BYTES: "heap grows", Signal.HEAP_OBJECTS: "heap grows", Signal.GOROUTINES: "leaks"}
CLASSES = {
    GrowthClass.FLAT: "flat",
    GrowthClass.PER_REQUEST: "linear in the requests",
    GrowthClass.PER_CONNECTION: "by the connection: as much for each one, however many requests it carries",
    GrowthClass.PER_KEY: "by the distinct key: the same request again adds nothing",
    GrowthClass.PER_ERROR: "by the error: as much for each answer with a status of 400 or more",
    GrowthClass.BACKGROUND: "background drift: with time, be there requests or not",
    GrowthClass.DRAIN: "slow drain: under load only, and gone without it",
    GrowthClass.FILL: "bounded fill: until something was full",
    GrowthClass.STEP: "step: once, at one moment",
    GrowthClass.STILL_GROWING: "still growing when the budget ended",
    GrowthClass.UNCLEAR: "none that could be told from the noise",
}
"""Classes of growth in words."""


def amount(figure: float, unit: str) -> str:
    """Return *figure* with its unit: ``1.9 KiB``, ``1 object``, ``0.01 goroutines``; ``unknown`` if not finite."""
    if not math.isfinite(figure):
        return "unknown"
    if unit == "B":
        return format_bytes(figure)
    text = format_count(figure)
    return f"{text} {unit.removesuffix('s') if text == '1' else unit}"


def interval(estimate: SignalEstimate, unit: str) -> str:
    """Return the bounds, the unit once where it is the same: ``900 B to 1.1 KiB``, ``at least 3 objects``."""
    low, high = estimate.low, estimate.high
    if not math.isfinite(low):
        return f"at most {amount(high, unit)}" if math.isfinite(high) else "unknown"
    if not math.isfinite(high):
        return f"at least {amount(low, unit)}"
    low_text, high_text = amount(low, unit), amount(high, unit)
    if low_text == high_text:
        return low_text
    low_number, _, low_unit = low_text.partition(" ")
    if low_unit == high_text.partition(" ")[2]:
        return f"{low_number} to {high_text}" if low < 0 else f"{low_number}–{high_text}"  # noqa: RUF001 - an en dash is how ranges are written
    return f"{low_text} to {high_text}"


def p_value(estimate: SignalEstimate) -> str:
    """Return the p-value with one or two digits that count."""
    return f"{estimate.p_value:.2g}" if math.isfinite(estimate.p_value) else "unknown"


def effort(report: EndpointReport) -> str:
    """Return ``10,300 requests in 2.1 s``."""
    return f"{report.requests:,} requests in {format_seconds(report.duration_s)}"


def visible(report: EndpointReport) -> str:
    """Return the smallest growth that the run could have called a leak, empty if that is not known."""
    seen = [
        amount(estimate.min_detectable, signal.unit)
        for signal, estimate in report.signals.items()
        if math.isfinite(estimate.min_detectable)
    ]
    return f"would have seen ≥ {', '.join(seen)} per request" if seen else ""


def bounded_by(report: EndpointReport) -> str:
    """Return where growth that is no leak ended, empty if there was none: ``gone 3.2 s after the load``."""
    match report.growth_class:
        case GrowthClass.DRAIN if report.drained_in_s is not None:
            return f"gone {format_seconds(report.drained_in_s)} after the load"
        case GrowthClass.FILL | GrowthClass.STEP if report.levelled_after is not None:
            return f"levelled off after {report.levelled_after:,} requests"
        case GrowthClass.BACKGROUND:
            return "grows in the background"
    return ""


def growth(report: EndpointReport) -> str:
    """Return the growth of the leaking signals: ``256 B and 1 object per request``."""
    grown = [
        amount(estimate.per_request, signal.unit)
        for signal, estimate in report.signals.items()
        if estimate.outcome is Outcome.LEAK
    ]
    if not grown:
        return ""
    head = ", ".join(grown[:-1])
    return f"{head} and {grown[-1]} per request" if head else f"{grown[-1]} per request"


def headline(report: EndpointReport, tolerance: Tolerance | None = None) -> str:
    """Return the verdict in one line, with the leading signal's interval, p-value and the limit for it."""
    leaking = [signal for signal, estimate in report.signals.items() if estimate.outcome is Outcome.LEAK]
    if report.outcome is not Outcome.LEAK or not leaking:
        return f"{report.name}: {report.outcome.value}: {report.reason}"
    # A goroutine leak explains the memory that it keeps; among memory, bytes are what people know.
    signal = Signal.GOROUTINES if Signal.GOROUTINES in leaking else leaking[0]
    estimate = report.signals[signal]
    limit = f"; tolerance {amount(tolerance.of(signal), signal.unit)}" if tolerance else ""
    return (
        f"{report.name}: {_SUBJECTS[signal]} {amount(estimate.per_request, signal.unit)} per request "
        f"(interval {interval(estimate, signal.unit)}, p = {p_value(estimate)}, {report.requests:,} requests){limit}"
    )


def finding_growth(finding: Finding) -> str:
    """Return a finding's growth: ``256 B (±12 B) in 1 object per request``."""
    text = amount(finding.per_request, finding.unit)
    if finding.error > 0:
        text += f" (±{amount(finding.error, finding.unit)})"
    if finding.objects_per_request is not None and finding.unit == "B":
        text += f" in {amount(finding.objects_per_request, 'objects')}"
    return f"{text} per request"
