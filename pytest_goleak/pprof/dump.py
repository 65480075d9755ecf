"""The text form that a service writes with ``debug=2``: every goroutine with its state and its creator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.profile import Frame
from pytest_goleak.pprof.text import describe

__all__ = ["Ancestor", "Goroutine", "GoroutineDump", "parse_dump"]

# goroutine 7 gp=0xc000 m=nil [chan send (leaked), 4 minutes, locked to thread] {user: 7}:
_HEADER = re.compile(
    r"goroutine (?P<id>\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[(?P<status>[^\]]*)\](?: \{(?P<labels>.*)\})?:"
)
_ANCESTOR = re.compile(r"\[originating from goroutine (\d+)\]:")
_CREATED_BY = re.compile(r"created by (.+?)(?: in goroutine (\d+))?")
_ELIDED = re.compile(r"\.\.\.(?:(\d+)|additional) frames elided\.\.\.")
_PLACE = re.compile(r"\t(?P<file>.+):(?P<line>\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?")
_CALL = re.compile(r"(?P<function>\S.*)\(.*\)")
_WAIT = re.compile(r"(\d+) minutes")
_STATE_NOTES = (" (scan)", " (leaked)", " (durable)")
"""Remarks that the runtime adds to a state, which are about the collector or the test bubble, not about the wait."""
_LABEL = re.compile(r'("(?:[^"\\]|\\.)*"|[^":,{}]+): ("(?:[^"\\]|\\.)*"|[^",{}]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """A goroutine that started the one it belongs to (``GODEBUG=tracebackancestors``); it may be gone."""

    id: int
    frames: tuple[Frame, ...]
    created_by: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goroutine:
    """One goroutine at the moment of the dump."""

    id: int
    state: str
    """What it does or waits for: ``running``, ``chan send``, ``IO wait``, ``chan receive (nil chan)`` …."""
    wait_minutes: int = 0
    """Whole minutes since it began to wait; Go writes them from 1 on."""
    locked_to_thread: bool = False
    is_leaked: bool = False
    """The runtime's leak detector has proven that nothing can wake it (Go 1.27)."""
    frames: tuple[Frame, ...] = ()
    """Leaf first; unexported functions of the Go runtime are left out by Go."""
    elided: int | None = 0
    """Frames left out of the middle of a deep stack; ``None`` if Go does not say how many."""
    created_by: Frame | None = None
    created_by_goroutine: int | None = None
    ancestors: tuple[Ancestor, ...] = ()
    """Nearest first."""
    labels: tuple[tuple[str, str], ...] = ()
    """pprof labels (``GODEBUG=tracebacklabels=1``), sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoroutineDump:
    """The whole of ``goroutine?debug=2``."""

    goroutines: tuple[Goroutine, ...] = field(default_factory=tuple)
    is_truncated: bool = False
    """Whether the dump ends inside a goroutine, as Go's does at 64 MiB; that last one is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stack:
    """What the lines below one header say."""

    frames: tuple[Frame, ...]
    elided: int | None
    created_by: Frame | None
    created_by_goroutine: int | None
    is_complete: bool


def parse_dump(content: bytes) -> GoroutineDump:
    """Return the goroutines in *content*; the last one may have been cut off and is then left out.

    Raises:
        MalformedProfileError: *content* is not a dump of goroutines.

    """
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    if not _HEADER.match(text):
        raise MalformedProfileError(f"expected 'goroutine 1 [running]: …' (debug=2), got {describe(content)}")
    goroutines: list[Goroutine] = []
    blocks = [block for block in text.split("\n\n") if block.strip("\n")]
    for number, block in enumerate(blocks):
        goroutine = _goroutine(block.strip("\n").split("\n"))
        # Go ends every goroutine but the last with an empty line; one cut off at a line's end can't be told.
        if goroutine is None:
            if number == len(blocks) - 1:
                return GoroutineDump(goroutines=tuple(goroutines), is_truncated=True)
            raise MalformedProfileError(f"expected a goroutine's header and frames, got {block[:60]!r}")
        goroutines.append(goroutine)
    is_cut = not text.endswith("\n")
    return GoroutineDump(goroutines=tuple(goroutines[:-1] if is_cut else goroutines), is_truncated=is_cut)


def _goroutine(lines: list[str]) -> Goroutine | None:
    """Return the goroutine that *lines* describe, ``None`` if they are not all of one."""
    header = _HEADER.fullmatch(lines[0])
    if header is None:
        return None
    sections = list(_sections(lines[1:]))
    stacks = [_stack(body) for _, body in sections]
    if not all(stack.is_complete for stack in stacks):
        return None
    own = stacks[0]
    state, *notes = header["status"].split(", ")
    waits = [int(match[1]) for note in notes if (match := _WAIT.fullmatch(note))]
    return Goroutine(
        id=int(header["id"]),
        state=_plain(state),
        wait_minutes=sum(waits),
        locked_to_thread="locked to thread" in notes,
        is_leaked=" (leaked)" in state,
        frames=own.frames,
        elided=own.elided,
        created_by=own.created_by,
        created_by_goroutine=own.created_by_goroutine,
        ancestors=tuple(
            Ancestor(id=identity, frames=stack.frames, created_by=stack.created_by)
            for (identity, _), stack in zip(sections[1:], stacks[1:], strict=True)
        ),
        labels=_labels(header["labels"] or ""),
    )


def _plain(state: str) -> str:
    for note in _STATE_NOTES:
        state = state.replace(note, "")
    return state


def _sections(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the goroutine's own lines (as number 0), then those of each ancestor with its number."""
    identity, body = 0, list[str]()
    for line in lines:
        if ancestor := _ANCESTOR.fullmatch(line):
            yield identity, body
            identity, body = int(ancestor[1]), []
        else:
            body.append(line)
    yield identity, body


def _stack(lines: list[str]) -> _Stack:
    frames: list[Frame] = []
    elided: int | None = 0
    created_by: Frame | None = None
    creator: int | None = None
    call: str | None = None
    is_created_by = False
    is_complete = True
    for line in lines:
        if place := _PLACE.fullmatch(line):
            frame = Frame(call or "", place["file"], int(place["line"]))
            if is_created_by:
                created_by = frame
            else:
                frames.append(frame)
            call = None
        elif match := _ELIDED.fullmatch(line):
            elided = int(match[1]) if match[1] else None
        elif match := _CREATED_BY.fullmatch(line):
            call, is_created_by = match[1], True
            creator = int(match[2]) if match[2] else None
        elif match := _CALL.fullmatch(line):
            call = match["function"]
        elif not line.startswith(("non-Go function", "\tgoroutine running on other thread")):
            is_complete = False
    return _Stack(
        frames=tuple(frames),
        elided=elided,
        created_by=created_by,
        created_by_goroutine=creator,
        is_complete=is_complete and call is None,
    )


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key.strip().strip('"'), value.strip().strip('"')) for key, value in _LABEL.findall(text)))
