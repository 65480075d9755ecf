"""SARIF 2.1.0, for code scanning services: one result per finding, at its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pytest_goleak.model.report import EndpointReport, Finding, Outcome, RunReport
from pytest_goleak.report.figures import finding_growth, headline

__all__ = ["render", "to_dict"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_NO_PLACE = "GL000"

Document = dict[str, Any]


def render(report: RunReport, *, root: Path | None = None) -> str:
    """Return the SARIF log as text; files below *root*, by default the current directory, are named relative to it."""
    return json.dumps(to_dict(report, root=root or Path.cwd()), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_dict(report: RunReport, *, root: Path | None = None) -> Document:
    """Return the SARIF log as plain data: one run, whose results are the findings of all endpoints.

    Code hosts show a result only where its file is named as in the repository: relative to *root*.
    """
    rules = _rules(report)
    indices = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [result for endpoint in report.endpoints for result in _results(endpoint, indices, root)]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "pytest-goleak", "version": report.tool_version, "rules": rules}},
                "invocations": [_invocation(report)],
                "results": results,
            }
        ],
    }


def _rules(report: RunReport) -> list[Document]:
    rules: dict[str, Document] = {}
    for endpoint in report.endpoints:
        if endpoint.outcome is Outcome.LEAK and not endpoint.findings:
            title = "leak whose place is not known"
            rules.setdefault(_NO_PLACE, {"id": _NO_PLACE, "shortDescription": {"text": title}})
        for finding in endpoint.findings:
            if finding.rule_id not in rules:
                rules[finding.rule_id] = _rule(finding)
    return list(rules.values())


def _rule(finding: Finding) -> Document:
    title = finding.title or finding.rule_id
    rule: Document = {"id": finding.rule_id, "shortDescription": {"text": title}}
    if finding.hint:
        rule["help"] = {"text": finding.hint}
    link = finding.hint.rpartition("More: ")[2].strip() if "More: " in finding.hint else ""
    if link.startswith("https://"):
        rule["helpUri"] = link
    return rule


def _results(endpoint: EndpointReport, indices: dict[str, int], root: Path | None) -> Iterator[Document]:
    if endpoint.outcome is Outcome.LEAK and not endpoint.findings:
        yield {
            "ruleId": _NO_PLACE,
            "ruleIndex": indices[_NO_PLACE],
            "level": "error" if endpoint.xfail is None else "note",
            "message": {"text": headline(endpoint)},
        }
    for finding in endpoint.findings:
        yield _result(endpoint, finding, indices[finding.rule_id], root)


def _result(endpoint: EndpointReport, finding: Finding, rule_index: int, root: Path | None) -> Document:
    known = finding.ignored_by if finding.ignored_by is not None else endpoint.xfail
    text = f"{endpoint.name}: {finding.title or 'leak'}: {finding_growth(finding)} in {finding.function}"
    result: Document = {
        "ruleId": finding.rule_id,
        "ruleIndex": rule_index,
        "level": "error" if known is None and finding.baseline != "unchanged" else "note",
        "message": {"text": text},
        "locations": [_location(finding, root)],
        # Lines move with every edit; function and endpoint stay.
        "partialFingerprints": {
            "goleak/v1": f"{endpoint.name}|{finding.kind}|{finding.function}|{finding.state or ''}"
        },
        "baselineState": finding.baseline,
        "suppressions": [] if known is None else [{"kind": "external", "justification": known}],
    }
    if finding.stack:
        frames = [{"location": {"message": {"text": entry}}} for entry in finding.stack]
        result["stacks"] = [{"message": {"text": "allocation or goroutine stack"}, "frames": frames}]
    return result


def _location(finding: Finding, root: Path | None) -> Document:
    location: Document = {"logicalLocations": [{"fullyQualifiedName": finding.function, "kind": "function"}]}
    if finding.file:
        physical: Document = {"artifactLocation": {"uri": _uri(finding.file, root)}}
        if finding.line >= 1:
            physical["region"] = {"startLine": finding.line}
        location["physicalLocation"] = physical
    return location


def _uri(file: str, root: Path | None) -> str:
    if root is not None and Path(file).is_relative_to(root):
        file = Path(file).relative_to(root).as_posix()
    path = quote(file.replace("\\", "/"), safe="/@!~+,()")
    if path.startswith("/"):
        return f"file://{path}"
    return f"file:///{file[0]}:{path[4:]}" if file[1:2] == ":" else path


def _invocation(report: RunReport) -> Document:
    undecided = [endpoint for endpoint in report.endpoints if endpoint.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE)]
    return {
        "executionSuccessful": all(endpoint.outcome is not Outcome.ERROR for endpoint in undecided),
        "toolExecutionNotifications": [
            {
                "level": "error" if endpoint.outcome is Outcome.ERROR else "warning",
                "message": {"text": headline(endpoint)},
            }
            for endpoint in undecided
        ],
    }
