"""Lines of Go source, where the files that a profile names are at hand."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_goleak.findings.gomodules import candidates
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.model.profile import Frame

__all__ = ["Excerpt", "SourceReader", "excerpt", "locate", "make_reader", "source_roots"]

_TYPE_ARGUMENTS = re.compile(r"\[.*?\]")
_CLOSURE = re.compile(r"(?:func|gowrap|deferwrap)?\d+")
_MAX_FILE_BYTES = 4 * 1024 * 1024  # generated Go files above this are nobody's reading matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A place in the source and what surrounds it."""

    line: str
    """The line itself, stripped."""
    body: tuple[str, ...]
    """The lines of the function that holds it."""
    index: int | None = None
    """Position of the line in *body*; ``None`` if no function holds it."""
    context: tuple[str, ...]
    """Numbered lines around it for a reader, the line itself marked with ``>``."""
    path: str = ""
    """Where the file is on this machine."""


SourceReader = Callable[[Frame], Excerpt | None]


def source_roots(plan: TargetPlan) -> tuple[Path, ...]:
    """Return the directories that hold the source of *plan*'s service.

    Raises:
        ConfigError: ``source_root`` is not a directory.

    """
    folder = Path(plan.root, plan.cwd)
    if plan.source_root is None:
        return (folder,)
    root = Path(plan.root, plan.source_root)
    if not root.is_dir():
        raise ConfigError(
            f"target.source_root is {plan.source_root!r}, and {root} is not a directory. Expected the directory of the "
            "service's go.mod, or remove the key: findings are then reported without lines of source."
        )
    return (root,) if folder == root else (root, folder)


def make_reader(roots: Sequence[Path] = ()) -> SourceReader:
    """Return a function that gives the excerpt of a frame, looking below *roots* for files that are elsewhere here."""

    @functools.cache
    def read(frame: Frame) -> Excerpt | None:
        path = locate(frame, roots)
        shown = excerpt(path, frame.line) if path else None
        # A file of the same name, or one edited since the build, would show a reader the wrong lines.
        return shown if shown and (not shown.body or _declares(shown.body[0], frame.function)) else None

    return read


def locate(frame: Frame, roots: Sequence[Path] = ()) -> Path | None:
    """Return the readable file that holds *frame*, or ``None``.

    Its name is tried as it is, then as Go lays out the module, the module cache and the standard library, then by the
    ends of its path below each of *roots*, the longest first.
    """
    if not frame.file.endswith(".go"):
        return None
    return next((path for path in candidates(frame, roots) if path.is_file()), None)


def excerpt(path: Path, line: int, *, around: int = 3) -> Excerpt | None:
    """Return *line* (from 1) of the file at *path* with *around* lines before and after it.

    ``None`` if the file cannot be read, is not source of a reasonable size, or has no such line: it may have been
    edited since the service was built.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            return None
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    if not 1 <= line <= len(lines):
        return None
    first, last = max(1, line - around), min(len(lines), line + around)
    width = len(str(last))
    context = tuple(
        f"{'>' if number == line else ' '} {number:>{width}} {lines[number - 1].expandtabs(4)}".rstrip()
        for number in range(first, last + 1)
    )
    start, body = _function_around(lines, line - 1)
    index = line - 1 - start if body else None
    return Excerpt(line=lines[line - 1].strip(), body=body, index=index, context=context, path=str(path.resolve()))


def _declares(declaration: str, function: str) -> bool:
    """Whether the line declares *function*, or the function that a closure such as ``main.handler.func1`` is in."""
    name = _TYPE_ARGUMENTS.sub("", function).rpartition("/")[2].partition(".")[2]
    parts = name.split(".")
    while len(parts) > 1 and _CLOSURE.fullmatch(parts[-1]):
        parts.pop()
    base = parts[-1].partition("-range")[0]
    return re.search(rf"\b{re.escape(base)}\s*[\[(]", declaration) is not None


def _function_around(lines: Sequence[str], index: int) -> tuple[int, tuple[str, ...]]:
    """Return where the top-level function that holds ``lines[index]`` starts, and its lines.

    gofmt puts its first and its last line at the margin. A function on one line ends there.
    """
    start = next((number for number in range(index, -1, -1) if lines[number].startswith("func ")), None)
    if start is None:
        return 0, ()
    end = start
    if not lines[start].rstrip().endswith("}"):
        end = next((number for number in range(start + 1, len(lines)) if lines[number].startswith("}")), start)
    return (start, tuple(lines[start : end + 1])) if index <= end else (0, ())
