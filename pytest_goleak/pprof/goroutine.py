"""What is known about goroutines: how many there are, what they wait for, who started them, which are ours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.profile import Frame, Site, SiteGrowth
from pytest_goleak.pprof.dump import GoroutineDump
from pytest_goleak.pprof.origin import is_runtime
from pytest_goleak.pprof.text import describe

__all__ = [
    "GoroutineDetails",
    "GoroutineFact",
    "count_goroutines",
    "explain",
    "goroutine_details",
    "is_own_request",
    "state_of",
]

_CALLERS_WITH_STATE = {
    "sync.(*WaitGroup).Wait": "sync.WaitGroup.Wait",
    "sync.(*Cond).Wait": "sync.Cond.Wait",
    "sync.(*RWMutex).RLock": "sync.RWMutex.RLock",
    "sync.(*RWMutex).Lock": "sync.RWMutex.Lock",
    "sync.(*Mutex).Lock": "sync.Mutex.Lock",
}
"""Innermost callers of a semaphore, and what a dump of the newest Go says of a goroutine that waits in them."""

_STATES = {
    "runtime.chansend": "chan send",
    "runtime.chanrecv": "chan receive",
    "runtime.selectgo": "select",
    "runtime.block": "select (no cases)",
    "time.Sleep": "sleep",
    "runtime.timeSleep": "sleep",
    "internal/poll.runtime_pollWait": "IO wait",
    "runtime.netpollblock": "IO wait",
    "runtime.runFinalizers": "finalizer wait",
    "runtime.runfinq": "finalizer wait",
    "runtime.runCleanups": "cleanup wait",
    "runtime.coroswitch": "coroutine",
}
"""Functions that tell what a goroutine waits for, and the words of a Go stack dump for it."""

_VARIANTS = re.compile(r"^(runtime\.chan(?:send|recv)|runtime\.coroswitch)(?:\d|_m)?$")
_SEMAPHORE = re.compile(r"^(?:internal/)?sync\.runtime_(?:Semacquire|notifyListWait)|^runtime\.semacquire")
_SYSCALL = re.compile(
    r"^(?:runtime\.(?:notetsleepg|entersyscall)|(?:internal/runtime/)?syscall\.(?:Raw)?[Ss]yscall\d*$|runtime\.cgocall$)"
)
_TYPE_ARGUMENTS = re.compile(r"\[.*\]")
_OWN_FUNCTION = r"(?:net/http/pprof\.|runtime/pprof\.(?:\(\*Profile\)\.WriteTo|write[A-Z]))"
_OWN_REQUEST = re.compile(_OWN_FUNCTION)
_OWN_FRAME = re.compile(rb"^#\t0x[0-9a-f]+\t+" + _OWN_FUNCTION.encode(), re.MULTILINE)
_TOTAL = re.compile(rb"goroutine profile: total (\d+)\n")
_COUNT = re.compile(rb"^(\d+) @", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoroutineFact:
    """What ``debug=2`` adds to a stack that the protobuf form knows."""

    state: str
    created_by: Frame | None = None
    wait_minutes: int = 0
    """The longest wait among the goroutines with this stack."""


_Key: TypeAlias = tuple[tuple[str, int], ...] | tuple[str, ...]
_COMPARABLE_FRAMES = 25
"""Leaf frames by which deep stacks are compared: Go cuts profiles at 32 or 128 frames, and dumps in their middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoroutineDetails:
    """Facts by stack, as far as dumps show it: without the functions of the Go runtime."""

    facts: Mapping[_Key, GoroutineFact] = field(default_factory=dict)
    """By functions with lines, by functions alone and, for deep stacks, by the functions next to the leaf."""

    def of(self, site: Site) -> GoroutineFact | None:
        """Return what is known of the goroutines at *site*, by the most exact comparison that finds something."""
        return next((self.facts[key] for key in _keys(site.stack) if key in self.facts), None)


def state_of(site: Site) -> str | None:
    """Return what the goroutines at *site* wait for, in the words of a Go stack dump, or ``None`` for running ones.

    The words are those of the newest Go: where older dumps say ``semacquire``, this may say ``sync.WaitGroup.Wait``.
    A nil channel looks like any other here: only a dump tells (see :func:`goroutine_details`).
    """
    for position, frame in enumerate(site.stack):
        function = frame.function
        if variant := _VARIANTS.match(function):
            function = variant[1]
        if function in _STATES:
            return _STATES[function]
        if _SEMAPHORE.match(function):
            return _semaphore_state(site.stack[position + 1 :])
        if _SYSCALL.match(function):
            return "syscall"
        if not is_runtime(frame):
            return None
    return None


def count_goroutines(content: bytes) -> int:
    """Return how many goroutines ``goroutine?debug=1`` lists, but for those that serve our own profile requests.

    The service writes this text in a fraction of the time of the protobuf form, and stacks are not read here: looks at
    the level are many.

    Raises:
        MalformedProfileError: *content* is something else, or was cut off.

    """
    header = _TOTAL.match(content)
    if header is None:
        raise MalformedProfileError(f"expected 'goroutine profile: total …' (debug=1), got {describe(content)}")
    stacks = content.split(b"\n\n")
    counts = [int(count[1]) if (count := _COUNT.search(stack)) else 0 for stack in stacks]
    total, listed = int(header[1]), sum(counts)
    if listed != total:
        raise MalformedProfileError(
            f"goroutine?debug=1 says {total:,} and lists {listed:,}: the answer was cut off; fetch it again"
        )
    return sum(count for stack, count in zip(stacks, counts, strict=True) if not _OWN_FRAME.search(stack))


def is_own_request(site: Site) -> bool:
    """Whether *site* is the handler that writes a profile: present because we asked, and in nobody else's way."""
    return any(_OWN_REQUEST.match(frame.function) for frame in site.stack)


def goroutine_details(dump: GoroutineDump) -> GoroutineDetails:
    """Return the state and creator of each stack in *dump*; the most frequent where goroutines differ."""
    facts: dict[_Key, list[GoroutineFact]] = {}
    for goroutine in dump.goroutines:
        fact = GoroutineFact(
            state=goroutine.state, created_by=goroutine.created_by, wait_minutes=goroutine.wait_minutes
        )
        for key in _keys(goroutine.frames):
            facts.setdefault(key, []).append(fact)
    return GoroutineDetails(facts={key: _typical(same) for key, same in facts.items()})


def explain(growth: Iterable[SiteGrowth], details: GoroutineDetails) -> list[SiteGrowth]:
    """Return *growth* with the state and creator that *details* know; what is not known stays as it is."""
    explained: list[SiteGrowth] = []
    for each in growth:
        fact = details.of(each.site)
        explained.append(replace(each, state=fact.state, created_by=fact.created_by) if fact else each)
    return explained


def _semaphore_state(callers: Sequence[Frame]) -> str:
    found = [_CALLERS_WITH_STATE[frame.function] for frame in callers if frame.function in _CALLERS_WITH_STATE]
    # A writer takes the mutex inside of a RWMutex first: its outermost frame says what the service called.
    locks = found[:2] if found[1:2] == ["sync.RWMutex.Lock"] else found[:1]
    return locks[-1] if locks else "semacquire"


def _typical(facts: Sequence[GoroutineFact]) -> GoroutineFact:
    (state, created_by), _ = Counter((fact.state, fact.created_by) for fact in facts).most_common(1)[0]
    return GoroutineFact(state=state, created_by=created_by, wait_minutes=max(fact.wait_minutes for fact in facts))


def _keys(stack: Sequence[Frame]) -> list[_Key]:
    visible = [frame for frame in stack if not is_runtime(frame)]
    # Profiles spell out the type arguments of generics, dumps do not.
    functions = tuple(_TYPE_ARGUMENTS.sub("[...]", frame.function) for frame in visible)
    keys: list[_Key] = [tuple(zip(functions, (frame.line for frame in visible), strict=True)), functions]
    return [*keys, functions[:_COMPARABLE_FRAMES]] if len(functions) >= _COMPARABLE_FRAMES else keys
