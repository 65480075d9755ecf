"""One self-contained HTML page: a table of endpoints, each with its findings to unfold. No script, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pytest_goleak.model.report import EndpointReport, Finding, RunReport
from pytest_goleak.report.figures import (
    CLASSES,
    NOUNS,
    amount,
    effort,
    finding_growth,
    growth,
    interval,
    p_value,
    visible,
)
from pytest_goleak.report.finding_text import ignore_file, ignore_lines
from pytest_goleak.report.sparkline import plot
from pytest_goleak.report.terminal import summary

__all__ = ["render"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #60646c; --page: #fcfcfd; --card: #f0f0f3; --line: #d9d9e0;
  --leak: #c62a2f; --clean: #18794e; --inconclusive: #915907; --error: #8145b5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #edeef0; --dim: #b0b4ba; --page: #111113; --card: #1e1f22; --line: #363a3f;
    --leak: #ff8589; --clean: #4cc38a; --inconclusive: #ffb224; --error: #c697f4; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
pre { background: var(--card); border-radius: .4rem; overflow-x: auto; padding: .7rem; font-size: .85rem; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .6rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; font-weight: 600; } a { color: inherit; } .dim { color: var(--dim); }
.outcome { font-weight: 600; } .leak { color: var(--leak); } .clean { color: var(--clean); }
.inconclusive { color: var(--inconclusive); } .error { color: var(--error); }
"""


def render(report: RunReport) -> str:
    """Return the page."""
    target = report.target
    origin = " · ".join(
        escape(part) for part in (target.url, target.go_version, f"seed {report.seed}", report.tool_version) if part
    )
    totals = escape(summary(report)[-1][0])
    rows = "".join(_row(index, endpoint) for index, endpoint in enumerate(report.endpoints))
    sections = "".join(_section(index, endpoint, report.source) for index, endpoint in enumerate(report.endpoints))
    head = _cells("th", "verdict", "endpoint", "load", "result")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Leak report: {totals}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>Leak report: {totals}</h1>\n<p class="dim">{origin}</p>\n'
        f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n{sections}</body>\n</html>\n"
    )


def _row(index: int, endpoint: EndpointReport) -> str:
    said = growth(endpoint) or visible(endpoint) or endpoint.reason
    link = f'<a href="#endpoint-{index}">{escape(endpoint.name)}</a>'
    return f"<tr><td>{_outcome(endpoint)}</td><td>{link}</td>{_cells('td', effort(endpoint), said)}</tr>\n"


def _section(index: int, endpoint: EndpointReport, source: str | None) -> str:
    parts = [
        f'<section id="endpoint-{index}">\n<h2>{_outcome(endpoint)} {escape(endpoint.name)}</h2>\n',
        f"<p>{escape(endpoint.reason)}</p>\n",
        f'<p class="dim">{escape(endpoint.note)}</p>\n' if endpoint.note else "",
        _signals(endpoint),
        _course(endpoint),
        *(_finding(finding, source) for finding in endpoint.findings),
        _unfold("See it by hand", _pre(endpoint.reproduce)) if endpoint.reproduce else "",
        _unfold("Profiles", _pre(f"{name}  {path}" for name, path in endpoint.artifacts.items()))
        if endpoint.artifacts
        else "",
        "</section>\n",
    ]
    return "".join(parts)


def _course(endpoint: EndpointReport) -> str:
    said = f'<p class="dim">growth: {escape(CLASSES[endpoint.growth_class])}</p>\n' if endpoint.growth_class else ""
    return said + (_pre(lines) if (lines := plot(endpoint)) else "")


def _signals(endpoint: EndpointReport) -> str:
    if not endpoint.signals:
        return ""
    rows = "".join(
        "<tr>"
        + _cells(
            "td",
            NOUNS[signal],
            amount(estimate.per_request, signal.unit),
            interval(estimate, signal.unit),
            p_value(estimate),
            amount(estimate.min_detectable, signal.unit),
            estimate.outcome.value,
        )
        + "</tr>\n"
        for signal, estimate in endpoint.signals.items()
    )
    head = _cells("th", "signal", "per request", "interval", "p", "smallest visible", "verdict")
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"


def _finding(finding: Finding, source: str | None) -> str:
    known = f" (known: {finding.ignored_by})" if finding.ignored_by is not None else ""
    title = f"{finding.rule_id} {finding.title}: {finding_growth(finding)} in {finding.location}{known}"
    facts = [
        f"waiting: {finding.state}" if finding.state else "",
        f"created by {finding.created_by}" if finding.created_by else "",
        "proven by the runtime's goroutineleak profile" if finding.proven else "",
    ]
    said = escape(" · ".join(fact for fact in facts if fact))
    own = set(finding.user_frames)
    stack = (f"{'>' if index in own else ' '} {entry}" for index, entry in enumerate(finding.stack))
    body = [
        f'<p class="dim">{said}</p>\n' if said else "",
        _pre(finding.source) if finding.source else "",
        _pre(stack) if finding.stack else "",
        *(_paragraph(paragraph) for paragraph in finding.hint.split("\n\n") if paragraph),
        f"<p>To accept it, add to {escape(ignore_file(source))}:</p>\n",
        _pre(ignore_lines(finding, source)),
    ]
    return _unfold(title, "".join(body), is_open=finding.ignored_by is None)


def _paragraph(text: str) -> str:
    first, _, code = text.partition("\n    ")
    link = first.removeprefix("More: ")
    if link != first and link.startswith("https://") and not code:
        return f'<p>More: <a href="{escape(link)}">{escape(link)}</a></p>\n'
    shown = f"<p>{escape(first)}</p>\n"
    return shown + _pre(line.removeprefix("    ") for line in code.split("\n")) if code else shown


def _unfold(title: str, body: str, *, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>\n{body}</details>\n"


def _outcome(endpoint: EndpointReport) -> str:
    return f'<span class="outcome {endpoint.outcome.value}">{endpoint.outcome.value}</span>'


def _pre(lines: Iterable[str]) -> str:
    return f"<pre>{escape(chr(10).join(lines))}</pre>\n"


def _cells(tag: str, *texts: str) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
