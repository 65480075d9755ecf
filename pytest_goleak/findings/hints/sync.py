"""Goroutines that wait for a lock, a group, a condition or a semaphore."""

from __future__ import annotations

import re

from pytest_goleak.findings.hints.flow import literal_around
from pytest_goleak.findings.hints.rule import Facts, Rule, has_wait

__all__ = ["RULES"]

_ACQUIRES = re.compile(r"^([\w.]+)\s*<-\s*(?:struct\{\}\{\}|true|1)\s*(?:$|//)")


def _waits_for_semaphore(facts: Facts) -> bool:
    return facts.kind == "goroutine" and facts.calls("golang.org/x/sync/semaphore.(*Weighted).Acquire")


def _waits_for_slot(facts: Facts) -> bool:
    """Whether the send takes a slot of a channel that the same function gives back by receiving.

    A receiver outside of the function literal that sends waits for a result; and no slots are in an unbuffered channel.
    """
    taken = _ACQUIRES.match(facts.source)
    place = facts.places[0] if facts.places else None
    if taken is None or place is None or place.index is None or not has_wait("chan send")(facts):
        return False
    name = re.escape(taken[1])
    back = re.compile(rf"(?<![\w.])<-\s*{name}\b")
    unbuffered = re.compile(rf"(?<![\w.]){name}\s*:?=\s*make\(chan [^,()]+\)")
    return any(back.search(line) for line in literal_around(place.body, place.index)) and not any(
        unbuffered.search(line) for line in place.body
    )


def _waits_for_group(facts: Facts) -> bool:
    groups = ("sync.(*WaitGroup).", "golang.org/x/sync/errgroup.(*Group).Wait")
    return any(has_wait("sync.WaitGroup.Wait", callee=group)(facts) for group in groups)


RULES = (
    Rule(
        id="GL014",
        title="goroutine waits for a semaphore",
        why=(
            "Each request leaves a goroutine in semaphore.Acquire: the weight it waits for is held and not given back, "
            "and its context is never cancelled."
        ),
        look_for="a path between Acquire and Release that returns early, and the context handed to Acquire.",
        fix="if err := sem.Acquire(ctx, 1); err != nil {\n\treturn err\n}\ndefer sem.Release(1)",
        link="https://pkg.go.dev/golang.org/x/sync/semaphore",
        matches=_waits_for_semaphore,
    ),
    Rule(
        id="GL015",
        refines=("GL001",),
        title="goroutine waits for a slot of a channel used as semaphore",
        why=(
            "Each request leaves a goroutine that waits to put its token into a channel, which is full: those that "
            "hold the slots do not take theirs out again. They returned early, or wait themselves."
        ),
        look_for="a path between taking and giving back a slot that returns early, and a wait without an end.",
        fix="select {\ncase slots <- struct{}{}:\n\tdefer func() { <-slots }()\ncase <-ctx.Done():\n"
        "\treturn ctx.Err()\n}",
        link="https://go.dev/doc/effective_go#channels",
        matches=_waits_for_slot,
    ),
    Rule(
        id="GL010",
        title="goroutine waits for a lock that is never released",
        why=(
            "Each request leaves a goroutine that waits for a mutex. Whoever holds the mutex never unlocks it: "
            "it returned early, panicked, waits itself, or locks twice."
        ),
        look_for="a Lock or RLock without a deferred Unlock, and locks that are taken in a different order elsewhere.",
        fix="mu.Lock()\ndefer mu.Unlock()",
        link="https://pkg.go.dev/sync#Mutex",
        matches=has_wait("sync.Mutex.Lock", "sync.RWMutex.Lock", "sync.RWMutex.RLock", callee="sync."),
    ),
    Rule(
        id="GL012",
        title="goroutine waits for a WaitGroup that never reaches zero",
        why=(
            "Each request leaves a goroutine in WaitGroup.Wait: Add was called more often than Done, or a goroutine "
            "that should call Done never ends."
        ),
        look_for="an early return before Done, Add called inside of the goroutine, and workers that are blocked too.",
        fix="wg.Add(1)\ngo func() {\n\tdefer wg.Done()\n\twork()\n}()",
        link="https://pkg.go.dev/sync#WaitGroup",
        matches=_waits_for_group,
    ),
    Rule(
        id="GL013",
        title="goroutine waits for a Cond that nobody signals",
        why="Each request leaves a goroutine in Cond.Wait, and no Signal or Broadcast comes for it any more.",
        look_for="a state change without Broadcast, and Signal where more than one goroutine waits.",
        fix="mu.Lock()\nready = true\nmu.Unlock()\ncond.Broadcast()",
        link="https://pkg.go.dev/sync#Cond",
        matches=has_wait("sync.Cond.Wait", callee="sync.(*Cond)"),
    ),
)
"""Locks, groups and conditions that are never given free."""
