"""Two builds of one service in one run: what leaks in both is known, what leaks in the new one only is new."""

from __future__ import annotations

import dataclasses

from pytest_goleak.model.report import EndpointReport, Finding, Outcome

__all__ = ["against"]

SAME_SHARE = 0.8
"""Share of a finding's growth that the older build must have for it to count as the same leak."""


def against(report: EndpointReport, older: EndpointReport) -> EndpointReport:
    """Return *report* with each finding marked ``new``, ``updated`` or ``unchanged`` against the *older* build's.

    Where the older build could not be judged, everything stays new, and the note says why.
    """
    if older.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE):
        note = f"The older build could not be judged, so every finding counts as new: {older.reason}"
        return dataclasses.replace(report, note=" ".join(filter(None, [report.note, note])))
    known = {_key(finding): finding for finding in older.findings}
    return dataclasses.replace(
        report,
        findings=tuple(
            dataclasses.replace(finding, baseline=_state(finding, known.get(_key(finding))))
            for finding in report.findings
        ),
    )


def _key(finding: Finding) -> tuple[str, str]:
    # Lines move from build to build, functions rarely do.
    return finding.kind, finding.function


def _state(finding: Finding, known: Finding | None) -> str:
    if known is None:
        return "new"
    return "unchanged" if known.per_request >= SAME_SHARE * finding.per_request else "updated"
