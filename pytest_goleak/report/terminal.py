"""What a person reads in the terminal: plain text, at most 100 columns, colour left to the shell."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import shorten

from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import EndpointReport, Outcome, RunReport
from pytest_goleak.model.units import format_seconds
from pytest_goleak.report.figures import (
    CLASSES,
    NOUNS,
    amount,
    bounded_by,
    effort,
    growth,
    headline,
    interval,
    p_value,
    visible,
)
from pytest_goleak.report.finding_text import finding_lines, fold_shell, wrapped
from pytest_goleak.report.sparkline import plot

__all__ = ["render_endpoint", "summary", "verdict_line"]

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
_LONGEST_ERROR = 140


def render_endpoint(report: EndpointReport, *, tolerance: Tolerance | None = None, source: str | None = None) -> str:
    """Return all that is known about one endpoint: the text of a failed test.

    *tolerance* is the limit that growth was held against, for the headline; *source* the configuration file.
    """
    sections = [
        wrapped(headline(report, tolerance)),
        _signal_table(report),
        plot(report),
        list(_circumstances(report)),
        *(finding_lines(number, finding, source) for number, finding in enumerate(report.findings, start=1)),
        _unattributed(report),
        wrapped(report.note),
        _reproduction(report),
        _artifacts(report),
    ]
    return "\n\n".join("\n".join(section) for section in sections if any(section))


def verdict_line(report: EndpointReport) -> str:
    """Return the verdict in one line: outcome, name, effort, and what was found or would have been seen."""
    return "  ".join(_cells(report))


def summary(report: RunReport) -> list[tuple[str, Outcome | None]]:
    """Return one aligned line per endpoint and one with the totals, each with the outcome that colours it.

    Leaks that are known, and so do not fail, have no outcome.
    """
    rows = [_cells(endpoint) for endpoint in report.endpoints]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines: list[tuple[str, Outcome | None]] = []
    for endpoint, row in zip(report.endpoints, rows, strict=True):
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(("  ".join([*padded, row[3]]).rstrip(), None if _is_known(endpoint) else endpoint.outcome))
    return [*lines, (_totals(report.endpoints), None)]


def _cells(report: EndpointReport) -> tuple[str, str, str, str]:
    outcome = f"{report.outcome.value} (known)" if _is_known(report) else report.outcome.value
    match report.outcome:
        case Outcome.CLEAN:
            together = "screened together" if report.screened_with is not None else ""
            said = "; ".join(filter(None, [together, visible(report), bounded_by(report)])) or report.reason
        case Outcome.LEAK:
            first = next(iter(report.new_findings or report.findings), None)
            said = ": ".join(part for part in (growth(report), first.location if first else "") if part)
            said = said or report.reason
        case Outcome.ERROR:  # the failed test's text has all of it
            said = shorten(
                _SENTENCE_END.split(report.reason.partition("\n")[0], 1)[0], _LONGEST_ERROR, placeholder=" …"
            )
        case _:
            said = report.reason.partition("\n")[0]
    return outcome, report.name, effort(report), said


def _is_known(report: EndpointReport) -> bool:
    return report.outcome is Outcome.LEAK and (report.is_known or report.xfail is not None)


def _totals(endpoints: Sequence[EndpointReport]) -> str:
    counts = Counter(endpoint.outcome for endpoint in endpoints)
    known = sum(_is_known(endpoint) for endpoint in endpoints)
    leaks = f"{counts[Outcome.LEAK]} leak{'s' * (counts[Outcome.LEAK] != 1)}"
    errors = f"{counts[Outcome.ERROR]} error{'s' * (counts[Outcome.ERROR] != 1)}"
    return (
        f"{counts[Outcome.CLEAN]} clean, {leaks}{f' ({known} known)' if known else ''}, "
        f"{counts[Outcome.INCONCLUSIVE]} inconclusive, {errors}"
    )


def _signal_table(report: EndpointReport) -> list[str]:
    if not report.signals:
        return []
    rows = [("signal", "per request", "interval", "p", "smallest visible", "verdict")]
    for signal, estimate in report.signals.items():
        rows.append(
            (
                NOUNS[signal],
                amount(estimate.per_request, signal.unit),
                interval(estimate, signal.unit),
                p_value(estimate),
                amount(estimate.min_detectable, signal.unit),
                estimate.outcome.value,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _circumstances(report: EndpointReport) -> Iterator[str]:
    if report.outcome is Outcome.LEAK:
        yield from wrapped(f"Decided by: {report.reason}")
    yield f"{effort(report)}, seed {report.seed}"
    if report.growth_class is not None:
        yield f"growth: {CLASSES[report.growth_class]}"
    if report.unexpected_responses:
        yield f"{report.unexpected_responses:,} answers had an unexpected status"
    if report.drained_in_s is not None:
        yield f"growth was gone after {format_seconds(report.drained_in_s)} without load"
    elif report.levelled_after is not None:
        yield f"growth levelled off after {report.levelled_after:,} requests"
    for signal, rate in report.background_per_s.items():
        if math.isfinite(rate):
            yield f"without requests: {amount(rate, signal.unit)} per second; that is not this endpoint's leak"
    if report.xfail is not None:
        yield from wrapped(f"expected to leak: {report.xfail}")


def _unattributed(report: EndpointReport) -> list[str]:
    if report.outcome is not Outcome.LEAK or report.findings or report.note:
        return []  # a note says why there is no place
    return wrapped(
        "No place could be named: the profiles show no site that grew beyond their sampling error. Start the service "
        "with GODEBUG=memprofilerate=1, or raise the budget."
    )


def _reproduction(report: EndpointReport) -> list[str]:
    if not report.reproduce:
        return []
    return ["To see it by hand:", *(folded for line in report.reproduce for folded in fold_shell(line))]


def _artifacts(report: EndpointReport) -> list[str]:
    if not report.artifacts:
        return []
    width = max(len(name) for name in report.artifacts)
    return [
        "Profiles, for go tool pprof:",
        *(f"  {name.ljust(width)}  {path}" for name, path in report.artifacts.items()),
    ]
