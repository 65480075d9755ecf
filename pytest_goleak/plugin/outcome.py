"""From a report to what pytest shows: passed, failed, skipped."""

from __future__ import annotations

from pytest_goleak.model.errors import GoleakError, LeakError
from pytest_goleak.model.report import EndpointReport, Outcome

__all__ = ["GoleakWarning", "InconclusiveError", "MeasurementError", "explain", "is_failure"]


class GoleakWarning(UserWarning):
    """Something that a user of leak tests should know, and that does not fail."""


class MeasurementError(GoleakError):
    """The outcome ``error``: nothing could be proven, and that is never a pass."""


class InconclusiveError(GoleakError):
    """The outcome ``inconclusive``, where ``--goleak-strict`` makes it a failure."""


def is_failure(report: EndpointReport) -> bool:
    """Whether *report* is a leak with something in it that is neither ignored nor known from the older build."""
    if report.outcome is not Outcome.LEAK:
        return False
    return not report.findings or any(
        finding.ignored_by is None and finding.baseline in ("new", "updated") for finding in report.findings
    )


def explain(error: BaseException) -> str | None:
    """Return the text that stands for *error* in pytest's output, ``None`` for errors that are not ours."""
    return str(error) if isinstance(error, (LeakError, GoleakError)) else None
