"""The documentation as data: pages, code blocks, tables and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\|(?P<cells>.+)\|\s*$", re.MULTILINE)


@dataclass(frozen=True)
class CodeBlock:
    page: str
    """Path from the repository's root."""
    line: int
    """Of its first line of code, from 1."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(language: str, *, page: str | None = None) -> list[CodeBlock]:
    found = []
    for path in pages():
        name, text = name_of(path), path.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            if match["language"] == language and page in (None, name):
                line = text.count("\n", 0, match.start("text")) + 1
                found.append(CodeBlock(page=name, line=line, language=language, text=match["text"]))
    return found


def prose(text: str) -> str:
    """Return *text* without its code blocks."""
    return _FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """Return what stands below *heading*, up to the next one of its depth or above."""
    depth = len(heading) - len(heading.lstrip("#"))
    start = text.index(f"{heading}\n") + len(heading)
    end = re.compile(rf"^#{{1,{depth}}} ", re.MULTILINE).search(text, start)
    return text[start : end.start() if end else len(text)]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row in *text*, headings and rules left out."""
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", match["cells"])] for match in _ROW.finditer(text)]
    ruled = {number for number, cells in enumerate(found) if all(re.fullmatch(r"-+", cell) for cell in cells if cell)}
    return [cells for number, cells in enumerate(found) if number not in ruled and number + 1 not in ruled]


def anchors(text: str) -> set[str]:
    """Return the anchors of all headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
