"""GitHub Actions: annotations at the leaking lines, and a summary in Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pytest_goleak.model.report import EndpointReport, Finding, Outcome, RunReport
from pytest_goleak.report.figures import effort, finding_growth, headline, visible
from pytest_goleak.report.terminal import summary

__all__ = ["render", "workflow_commands"]

_ICONS = {Outcome.LEAK: "🔴", Outcome.CLEAN: "🟢", Outcome.INCONCLUSIVE: "🟡", Outcome.ERROR: "⚠️"}
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in r"\`*_{}[]()#+!|~<>"} | {"\n": " ", "\r": " "})


def workflow_commands(report: RunReport, *, root: str = "") -> str:
    """Return workflow commands, one a line: an error per new finding, a notice per known one, a warning if undecided.

    Args:
        report: the run.
        root: directory of the checkout; files below it are named relative to it, as GitHub needs them.

    """
    return "".join(f"{line}\n" for endpoint in report.endpoints for line in _commands(endpoint, root))


def render(report: RunReport) -> str:
    """Return the summary in Markdown, for ``$GITHUB_STEP_SUMMARY``."""
    totals = summary(report)[-1][0]
    lines = [f"## Leak tests: {totals}", ""]
    if report.endpoints:
        lines += ["| | endpoint | requests | result |", "|---|---|---|---|"]
        lines += [_row(endpoint) for endpoint in report.endpoints]
    lines += [line for endpoint in report.endpoints for line in _details(endpoint)]
    return "\n".join(lines) + "\n"


def _commands(endpoint: EndpointReport, root: str) -> Iterator[str]:
    match endpoint.outcome:
        case Outcome.LEAK if not endpoint.findings:
            yield _command("error" if endpoint.xfail is None else "notice", headline(endpoint), title="leak")
        case Outcome.LEAK:
            for finding in endpoint.findings:
                known = finding.ignored_by is not None or endpoint.xfail is not None
                yield _finding_command("notice" if known else "error", endpoint, finding, root)
        case Outcome.INCONCLUSIVE:
            yield _command("warning", headline(endpoint), title="inconclusive")
        case Outcome.ERROR:
            yield _command("error", headline(endpoint), title="could not measure")
        case Outcome.CLEAN:
            pass


def _finding_command(level: str, endpoint: EndpointReport, finding: Finding, root: str) -> str:
    place = {"file": _relative(finding.file, root), "line": str(finding.line)} if finding.file else {}
    text = f"{endpoint.name}: {finding_growth(finding)} in {finding.function}"
    return _command(level, text, **place, title=finding.title or finding.rule_id)


def _command(level: str, text: str, **properties: str) -> str:
    written = ",".join(f"{name}={_escaped(value, in_property=True)}" for name, value in properties.items())
    return f"::{level} {written}::{_escaped(text)}"


def _escaped(text: str, *, in_property: bool = False) -> str:
    """Escape as GitHub's toolkit does: a line break would end the command, a comma a property."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def _relative(file: str, root: str) -> str:
    path = PurePosixPath(file)
    return str(path.relative_to(root)) if root and path.is_relative_to(root) else file


def _row(endpoint: EndpointReport) -> str:
    match endpoint.outcome:
        case Outcome.CLEAN:
            said = visible(endpoint)
        case Outcome.LEAK if endpoint.findings:
            said = f"{finding_growth(endpoint.findings[0])} in {endpoint.findings[0].location}"
        case _:
            said = endpoint.reason
    cells = (f"{_ICONS[endpoint.outcome]} {endpoint.outcome.value}", endpoint.name, effort(endpoint), said)
    return f"| {' | '.join(cell.translate(_MARKDOWN) for cell in cells)} |"


def _details(endpoint: EndpointReport) -> Iterator[str]:
    for finding in endpoint.findings:
        if finding.ignored_by is None:
            yield ""
            yield f"### {endpoint.name.translate(_MARKDOWN)}: {finding.title.translate(_MARKDOWN)}"
            yield ""
            yield f"{finding_growth(finding)} in {finding.location}".translate(_MARKDOWN)
            yield ""
            yield from _fenced((*finding.stack, "", *finding.hint.split("\n")))


def _fenced(lines: tuple[str, ...]) -> list[str]:
    longest = max((len(line) - len(line.lstrip("`")) for line in lines), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines, fence]
