"""The JSON report, and the way back from it.

The shape is published as ``docs/reference/report.schema.json``. JSON has no infinities and no NaN: a figure that is
not finite is ``null``, and read back as what an absent bound means.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pytest_goleak.model.growth import GrowthClass, Point
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Finding, Outcome, RunReport, SignalEstimate, TargetInfo

__all__ = [
    "SCHEMA_VERSION",
    "endpoint_from_dict",
    "endpoint_to_dict",
    "from_dict",
    "render",
    "target_from_dict",
    "target_to_dict",
    "to_dict",
]

SCHEMA_VERSION = 1

Document = dict[str, Any]

_COLUMNS = ("at_s", "requests", *(signal.value for signal in Signal))


def render(report: RunReport) -> str:
    """Return the document as text, two spaces of indentation, keys in the order of the contract."""
    return json.dumps(to_dict(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_dict(report: RunReport) -> Document:
    """Return the whole run as plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "pytest-goleak", "version": report.tool_version},
        "target": target_to_dict(report.target),
        "seed": report.seed,
        "endpoints": [endpoint_to_dict(endpoint) for endpoint in report.endpoints],
    }


def from_dict(document: Mapping[str, Any]) -> RunReport:
    """Return the run that *document* describes.

    Raises:
        ValueError: it is of another schema version, or has a value of an unknown kind.
        KeyError: a key is missing.

    """
    version = document["schema_version"]
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"the report has schema_version {version!r}; expected {SCHEMA_VERSION}. "
            "Read it with the version of pytest-goleak that wrote it."
        )
    return RunReport(
        tool_version=document["tool"]["version"],
        target=target_from_dict(document["target"]),
        seed=document["seed"],
        endpoints=tuple(endpoint_from_dict(endpoint) for endpoint in document["endpoints"]),
    )


def target_to_dict(target: TargetInfo) -> Document:
    """Return the description of the service as plain data."""
    return {
        "url": target.url,
        "go_version": target.go_version,
        "started_by_us": target.started_by_us,
        "profiles": list(target.profiles),
    }


def target_from_dict(document: Mapping[str, Any]) -> TargetInfo:
    """Return the description of the service that *document* holds."""
    return TargetInfo(
        url=document["url"],
        go_version=document["go_version"],
        started_by_us=document["started_by_us"],
        profiles=tuple(document["profiles"]),
    )


def endpoint_to_dict(report: EndpointReport) -> Document:
    """Return one endpoint's report as plain data, for the document and for the way between processes."""
    return {
        "id": report.id,
        "name": report.name,
        "method": report.method,
        "path": report.path,
        "outcome": report.outcome.value,
        "reason": report.reason,
        "note": report.note,
        "duration_s": _finite(report.duration_s),
        "requests": report.requests,
        "unexpected_responses": report.unexpected_responses,
        "seed": report.seed,
        "alpha": _finite(report.alpha),
        "signals": {signal.value: _signal_to_dict(estimate) for signal, estimate in report.signals.items()},
        "background_per_s": {signal.value: _finite(rate) for signal, rate in report.background_per_s.items()},
        "drained_in_s": _finite(report.drained_in_s),
        "levelled_after": report.levelled_after,
        "growth_class": report.growth_class.value if report.growth_class else None,
        "series": _series_to_dict(report.series),
        "screened_with": report.screened_with,
        "findings": [_finding_to_dict(finding) for finding in report.findings],
        "artifacts": dict(report.artifacts),
        "reproduce": list(report.reproduce),
        "xfail": report.xfail,
    }


def endpoint_from_dict(document: Mapping[str, Any]) -> EndpointReport:
    """Return the endpoint's report that *document* describes.

    Raises:
        ValueError: an outcome or signal is unknown.
        KeyError: a key is missing.

    """
    return EndpointReport(
        id=document["id"],
        name=document["name"],
        method=document["method"],
        path=document["path"],
        outcome=Outcome(document["outcome"]),
        reason=document["reason"],
        note=document["note"],
        duration_s=_number(document["duration_s"]),
        requests=document["requests"],
        unexpected_responses=document["unexpected_responses"],
        seed=document["seed"],
        alpha=_number(document["alpha"]),
        signals={Signal(name): _signal_from_dict(estimate) for name, estimate in document["signals"].items()},
        background_per_s={Signal(name): _number(rate) for name, rate in document["background_per_s"].items()},
        drained_in_s=document["drained_in_s"],
        levelled_after=document["levelled_after"],
        growth_class=GrowthClass(document["growth_class"]) if document.get("growth_class") else None,
        series=_series_from_dict(document.get("series", {})),
        screened_with=document.get("screened_with"),
        findings=tuple(_finding_from_dict(finding) for finding in document["findings"]),
        artifacts=dict(document["artifacts"]),
        reproduce=tuple(document["reproduce"]),
        xfail=document["xfail"],
    )


def _series_to_dict(series: tuple[Point, ...]) -> Document:
    """Return the levels as columns of equal length, as plotting libraries take them."""
    columns: Document = {"at_s": [round(point.at_s, 3) for point in series]}
    return columns | {name: [getattr(point, name) for point in series] for name in _COLUMNS[1:]}


def _series_from_dict(document: Mapping[str, Any]) -> tuple[Point, ...]:
    rows = zip(*(document.get(name, ()) for name in _COLUMNS), strict=True)
    return tuple(Point(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)


def _signal_to_dict(estimate: SignalEstimate) -> Document:
    return {
        "per_request": _finite(estimate.per_request),
        "low": _finite(estimate.low),
        "high": _finite(estimate.high),
        "p_value": _finite(estimate.p_value),
        "min_detectable": _finite(estimate.min_detectable),
        "outcome": estimate.outcome.value,
    }


def _signal_from_dict(document: Mapping[str, Any]) -> SignalEstimate:
    return SignalEstimate(
        per_request=_number(document["per_request"]),
        low=_number(document["low"], absent=-math.inf),
        high=_number(document["high"], absent=math.inf),
        p_value=_number(document["p_value"]),
        min_detectable=_number(document["min_detectable"], absent=math.inf),
        outcome=Outcome(document["outcome"]),
    )


def _finding_to_dict(finding: Finding) -> Document:
    return {
        "rule_id": finding.rule_id,
        "kind": finding.kind,
        "title": finding.title,
        "function": finding.function,
        "file": finding.file,
        "line": finding.line,
        "per_request": _finite(finding.per_request),
        "unit": finding.unit,
        "error": _finite(finding.error),
        "objects_per_request": _finite(finding.objects_per_request),
        "state": finding.state,
        "created_by": finding.created_by,
        "proven": finding.proven,
        "stack": list(finding.stack),
        "user_frames": list(finding.user_frames),
        "source": list(finding.source),
        "hint": finding.hint,
        "explanation": finding.explanation,
        "look_for": finding.look_for,
        "fix": finding.fix,
        "link": finding.link,
        "ignored_by": finding.ignored_by,
        "baseline": finding.baseline,
    }


def _finding_from_dict(document: Mapping[str, Any]) -> Finding:
    return Finding(
        rule_id=document["rule_id"],
        kind=document["kind"],
        title=document["title"],
        function=document["function"],
        file=document["file"],
        line=document["line"],
        per_request=_number(document["per_request"]),
        unit=document["unit"],
        error=_number(document["error"]),
        objects_per_request=document["objects_per_request"],
        state=document["state"],
        created_by=document["created_by"],
        proven=document["proven"],
        stack=tuple(document["stack"]),
        user_frames=tuple(document["user_frames"]),
        source=tuple(document["source"]),
        hint=document["hint"],
        explanation=document.get("explanation", ""),
        look_for=document.get("look_for", ""),
        fix=document.get("fix", ""),
        link=document.get("link", ""),
        ignored_by=document["ignored_by"],
        baseline=document["baseline"],
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _number(value: float | None, *, absent: float = math.nan) -> float:
    return absent if value is None else value
