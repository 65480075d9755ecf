"""One finding as plain text: what, where, why, what to do, how to ignore it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import PurePath

from pytest_goleak.model.report import Finding
from pytest_goleak.report.figures import finding_growth

__all__ = ["WIDTH", "finding_lines", "fold_shell", "ignore_file", "ignore_lines", "wrapped"]

WIDTH = 100
_MOST_FRAMES = 14
_INDENT = "   "


def wrapped(text: str, indent: str = "") -> list[str]:
    """Return the paragraphs of *text* as lines of at most :data:`WIDTH`; lines that are indented stay as they are."""
    lines: list[str] = []
    for line in text.split("\n"):
        if not line or line.startswith((" ", "\t")):
            lines.append(f"{indent}{line}".replace("\t", "    ").rstrip())
        else:
            lines += textwrap.wrap(
                line,
                WIDTH,
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return lines


def fold_shell(line: str, indent: str = "  ") -> list[str]:
    """Return a shell line in lines of at most :data:`WIDTH` that the shell reads as one; words stay whole."""
    if line.startswith("#"):
        return textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}# ")
    if len(indent) + len(line) <= WIDTH:
        return [indent + line]
    lines, current = [], indent
    for word in _shell_words(line):
        if len(current) + len(word) + 3 > WIDTH and current.strip():
            lines.append(f"{current} \\")
            current = f"{indent}    {word}"
        else:
            current = f"{current} {word}" if current.strip() else f"{current}{word}"
    return [*lines, current]


def _shell_words(line: str) -> list[str]:
    """Split at the blanks that are outside of quotes and command substitutions."""
    words, start = [], 0
    closers: list[str] = []
    position = 0
    while position < len(line):
        char = line[position]
        inside = closers[-1] if closers else ""
        if inside == "'":
            if char == "'":
                closers.pop()
        elif char == "\\":
            position += 1
        elif char == inside:
            closers.pop()
        elif char == '"' or (char == "'" and inside != '"'):
            closers.append(char)
        elif char == "(" and (inside == ")" or line[position - 1 : position] == "$"):
            closers.append(")")
        elif char == " " and not closers:
            words.append(line[start:position])
            start = position + 1
        position += 1
    return [*words, line[start:]]


def ignore_lines(finding: Finding, source: str | None = None) -> tuple[str, ...]:
    """Return the lines that accept *finding* in the configuration file *source*."""
    table = "tool.goleak.ignore" if ignore_file(source) == "pyproject.toml" else "ignore"
    return (f"[[{table}]]", f"function = {json.dumps(finding.function, ensure_ascii=False)}", 'reason = "TICKET-…"')


def ignore_file(source: str | None) -> str:
    """Return the name of the configuration file *source*, of the one to create where there is none."""
    return PurePath(source).name if source else "goleak.toml"


def finding_lines(number: int, finding: Finding, source: str | None = None) -> list[str]:
    """Return the text of the *number*-th finding; *source* is the configuration file that could accept it."""
    lines = wrapped(f"{number}. {finding.rule_id} {finding.title}: {finding_growth(finding)}")
    lines += [_INDENT + line for line in _facts(finding)]
    if finding.ignored_by is not None:
        return [*lines, *wrapped(f"known: {finding.ignored_by}", _INDENT)]
    if finding.source:
        lines += ["", *(_clipped(f"{_INDENT}  {line}") for line in finding.source)]
    if finding.stack:
        lines += ["", f"{_INDENT}stack (> is your code):", *_stack_lines(finding)]
    if finding.hint:
        lines += ["", *wrapped(finding.hint, _INDENT)]
    lines += ["", f"{_INDENT}to accept it, add to {ignore_file(source)}:"]
    lines += [f"{_INDENT}  {line}" for line in ignore_lines(finding, source)]
    return lines


def _facts(finding: Finding) -> Iterator[str]:
    place = f"{finding.file}:{finding.line}" if finding.file else "file unknown"
    where = f"in {finding.function}"
    if len(where) + len(place) + 4 > WIDTH - len(_INDENT):
        yield where
        yield f"   {place}"
    else:
        yield f"{where} ({place})"
    if finding.state:
        yield f"waiting: {finding.state}"
    if finding.created_by:
        yield f"created by {finding.created_by}"
    if finding.proven:
        yield "proven: the runtime's goroutineleak profile lists these goroutines; nothing can wake them"
    if finding.baseline != "new":
        yield f"compared with the stored run: {finding.baseline}"


def _stack_lines(finding: Finding) -> list[str]:
    own = set(finding.user_frames)
    shown = finding.stack[:_MOST_FRAMES]
    lines = [
        _clipped(f"{_INDENT}  {'>' if index in own else ' '} {_short(entry)}") for index, entry in enumerate(shown)
    ]
    if len(finding.stack) > len(shown):
        lines.append(f"{_INDENT}    … {len(finding.stack) - len(shown)} more")
    return lines


def _short(entry: str) -> str:
    """Shorten the file in ``function file:line`` to its last two path elements, which name package and file."""
    head, slash, _ = entry.rpartition("/")
    function, blank, folder = head.rpartition(" ")
    if not slash or not blank or "/" not in folder:
        return entry
    return f"{function} {'/'.join(entry.rsplit('/', 2)[1:])}"


def _clipped(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
