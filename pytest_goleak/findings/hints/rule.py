"""What is known about a finding, and the shape of a rule that explains it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_goleak.findings.hints.flow import Store
from pytest_goleak.findings.source import Excerpt

__all__ = ["Facts", "Rule", "has_wait", "waiting"]

# What a parked goroutine's runtime frames say, in the words of a Go stack dump. The first frame found decides, from
# the leaf; a profile in protobuf form has the frames and no state.
_WAITS = {
    "runtime.chansend1": "chan send",
    "runtime.chansend": "chan send",
    "runtime.chanrecv1": "chan receive",
    "runtime.chanrecv2": "chan receive",
    "runtime.chanrecv": "chan receive",
    "runtime.selectgo": "select",
    "runtime.block": "select (no cases)",
    "time.Sleep": "sleep",
    "internal/poll.runtime_pollWait": "IO wait",
    "sync.runtime_notifyListWait": "sync.Cond.Wait",
    "sync.runtime_SemacquireWaitGroup": "sync.WaitGroup.Wait",
    "sync.(*WaitGroup).Wait": "sync.WaitGroup.Wait",
    "sync.runtime_SemacquireRWMutexR": "sync.RWMutex.RLock",
    "sync.(*RWMutex).RLock": "sync.RWMutex.RLock",
    "sync.(*RWMutex).Lock": "sync.RWMutex.Lock",
    "sync.runtime_SemacquireRWMutex": "sync.RWMutex.Lock",
    "sync.runtime_SemacquireMutex": "sync.Mutex.Lock",
    "internal/sync.runtime_SemacquireMutex": "sync.Mutex.Lock",
}
# Frames between the leaf and the wait that say nothing of their own.
_PARKING = frozenset({"runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1", "runtime.netpollblock"})


def waiting(state: str | None, functions: Iterable[str]) -> str | None:
    """Return what goroutines wait for: *state* without durations, or as their frames (leaf first) tell."""
    if state:
        return state.split(",", 1)[0].removesuffix(" (leaked)").strip() or None
    for function in functions:
        if function in _WAITS:
            return _WAITS[function]
        if function not in _PARKING:
            return None
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a rule may look at; nothing of it is guessed."""

    kind: str
    """``heap`` or ``goroutine``."""
    state: str | None = None
    """What the goroutines wait for, as :func:`waiting` returns it."""
    functions: tuple[str, ...] = ()
    """Of the stack, leaf first; for a finding of several stacks those of all, the largest first."""
    callees: tuple[str, ...] = ()
    """What the user's frame called, outermost first, the runtime left out; empty if no frame is the user's."""
    user: str | None = None
    """The user's function on the stack."""
    created_by: str | None = None
    """The function whose ``go`` statement started the goroutines."""
    opener_callees: tuple[str, ...] = ()
    """What the user's code called to open what a library's goroutine serves, outermost first."""
    leaking: frozenset[str] = frozenset()
    """For heap findings: functions that leaked goroutines run or were started by."""
    source: str = ""
    """The blamed line of source, where it is at hand."""
    body: tuple[str, ...] = ()
    """The lines of the function around it, its first line included."""
    places: tuple[Excerpt, ...] = ()
    """The user's frames with their source, leaf first, as far as it is at hand."""
    store: Store | None = None
    """For heap findings: the line that keeps the memory, where the source shows it."""

    def has(self, *functions: str) -> bool:
        """Whether any of *functions* is on the stack."""
        return any(function in self.functions for function in functions)

    def has_prefix(self, prefix: str) -> bool:
        """Whether a function on the stack starts with *prefix*."""
        return any(function.startswith(prefix) for function in self.functions)

    def calls(self, *functions: str) -> bool:
        """Whether the user's code called any of *functions*, directly or through a library."""
        return any(function in self.callees or function in self.opener_callees for function in functions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One cause: how it is recognised, and how it is explained."""

    id: str
    """Stable, for reports and ignore files."""
    title: str
    """The cause in a few words."""
    why: str
    """The explanation, one paragraph: what this is, and why it grows."""
    look_for: str
    """What to look for in the code."""
    fix: str = ""
    """A short Go snippet."""
    link: str = ""
    """Where Go's own documentation says more."""
    refines: tuple[str, ...] = ()
    """Ids of more general rules that are right as well, where this one sees more; mostly the source."""
    matches: Callable[[Facts], bool]
    """Pure, and true only where the explanation is certain to fit."""

    def hint(self) -> str:
        """Return the explanation as paragraphs; the snippet is indented by four spaces."""
        parts = [self.why, f"Look for: {self.look_for}"]
        if self.fix:
            parts.append("Fix, for example:\n" + "\n".join(f"    {line}" for line in self.fix.strip("\n").split("\n")))
        if self.link:
            parts.append(f"More: {self.link}")
        return "\n\n".join(parts)


def has_wait(*states: str, callee: str | None = None) -> Callable[[Facts], bool]:
    """Return a predicate: goroutines that the user's own code put into one of *states*.

    A library that waits on the user's behalf has its own reasons, so the user's frame must wait itself: without any
    call, or by calling a function whose name starts with *callee*.
    """

    def matches(facts: Facts) -> bool:
        if facts.kind != "goroutine" or facts.user is None or facts.state not in states:
            return False
        if callee is None:
            return not facts.callees
        return bool(facts.callees) and facts.callees[0].startswith(callee)

    return matches
