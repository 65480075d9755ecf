"""Contexts that are not cancelled, timers and tickers that are not stopped, loops that sleep."""

from __future__ import annotations

import re

from pytest_goleak.findings.hints.flow import loop_around
from pytest_goleak.findings.hints.rule import Facts, Rule, has_wait

__all__ = ["RULES"]

_MAKES_CONTEXT = tuple(
    f"context.{name}"
    for name in (
        "WithCancel",
        "WithCancelCause",
        "WithTimeout",
        "WithTimeoutCause",
        "WithDeadline",
        "WithDeadlineCause",
        "AfterFunc",
    )
)


def _direct(facts: Facts, *functions: str) -> bool:
    """Whether the user's own line calls one of *functions*: a library's use of it is the library's cause."""
    return facts.kind == "heap" and facts.callees[:1] != () and facts.callees[0] in functions


_READS_TICKER = re.compile(r"(?:range|<-)\s*([\w.]+)\.C\b")
_CASE = re.compile(r"^\s*case\s+(.*):")
_WAITS_FOR_TIME = re.compile(r"<-\s*(?:time\.(?:After|Tick)\(|[\w.]+\.C\b)")
_RETRIES = re.compile(r"\berr\b|!= nil|retr(?:y|ies)|attempt|backoff", re.IGNORECASE)


def _waits(facts: Facts) -> bool:
    return has_wait("chan receive", "select")(facts) or has_wait("sleep", callee="time.Sleep")(facts)


def _cases(facts: Facts) -> list[str]:
    """Return the cases of the select that the goroutine waits in, none if its lines are not at hand."""
    if not facts.places or facts.places[0].index is None or not facts.source.startswith("select"):
        return []
    body, start = facts.places[0].body, facts.places[0].index
    indent = body[start][: len(body[start]) - len(body[start].lstrip())]
    end = next((number for number in range(start + 1, len(body)) if body[number].rstrip() == f"{indent}}}"), start)
    return [match[1] for line in body[start:end] if line.startswith(f"{indent}case") and (match := _CASE.match(line))]


def _loops_over_ticker(facts: Facts) -> bool:
    made = any("time.NewTicker(" in line or "time.Tick(" in line for line in facts.body)
    if has_wait("chan receive")(facts):
        return made and _READS_TICKER.search(facts.source) is not None
    cases = _cases(facts)
    ticks = bool(cases) and all(_READS_TICKER.search(case) for case in cases)
    return has_wait("select")(facts) and made and ticks


def _waits_for_timer(facts: Facts) -> bool:
    if has_wait("chan receive")(facts):
        return "<-time.After(" in facts.source
    cases = _cases(facts)
    return has_wait("select")(facts) and bool(cases) and all("<-time.After(" in case for case in cases)


def _retries(facts: Facts) -> bool:
    """Whether the goroutine pauses in a loop without an end of its own that looks at an error."""
    if not _waits(facts) or not facts.places or facts.places[0].index is None:
        return False
    loop = loop_around(facts.places[0].body, facts.places[0].index)
    pauses = facts.state == "sleep" or any(_WAITS_FOR_TIME.search(text) for text in (facts.source, *_cases(facts)))
    return pauses and any(_RETRIES.search(line) for line in loop)


RULES = (
    Rule(
        id="GL030",
        title="context that is never cancelled",
        why=(
            "Each request derives a context that can be cancelled, and its cancel function is not called. Its parent "
            "(and, with a time-out, its timer) refers to it until the parent ends or the time is over."
        ),
        look_for="a dropped or conditional cancel function; `go vet` reports most of them (lostcancel).",
        fix="ctx, cancel := context.WithTimeout(parent, time.Second)\ndefer cancel()",
        link="https://pkg.go.dev/context#WithCancel",
        matches=lambda facts: _direct(facts, *_MAKES_CONTEXT),
    ),
    Rule(
        id="GL035",
        title="goroutine that passes on a cancellation which never comes",
        why=(
            "Each request derives a context from a parent of a type that package context does not know. It starts a "
            "goroutine to pass on the parent's end, and that goroutine ends only with the parent or by cancel."
        ),
        look_for="a cancel function that is not called, for a context derived from a custom context type.",
        fix="ctx, cancel := context.WithCancel(parent)\ndefer cancel()",
        link="https://pkg.go.dev/context#WithCancel",
        matches=lambda facts: (
            facts.kind == "goroutine"
            and facts.user is None
            and facts.has_prefix("context.(*cancelCtx).propagateCancel")
        ),
    ),
    Rule(
        id="GL031",
        title="ticker that is kept",
        why=(
            "Each request makes a time.Ticker that stays referred to. Before Go 1.23 a ticker that is not stopped is "
            "never freed; since then it is kept only by whoever holds it, such as a goroutine that ranges over it."
        ),
        look_for="a NewTicker or time.Tick without a deferred Stop, and a goroutine that loops over ticker.C.",
        fix="ticker := time.NewTicker(interval)\ndefer ticker.Stop()",
        link="https://pkg.go.dev/time#NewTicker",
        matches=lambda facts: _direct(facts, "time.NewTicker", "time.Tick"),
    ),
    Rule(
        id="GL037",
        refines=("GL033", "GL034", "GL036"),
        title="goroutine that retries for ever",
        why=(
            "Each request leaves a goroutine that tries again and again, with a pause between. Nothing limits the "
            "attempts, so whatever fails for good is tried for ever, by more and more goroutines."
        ),
        look_for="the loop: it needs a largest number of attempts, and must end with its context.",
        fix="for attempt := range 5 {\n\tif err = try(ctx); err == nil {\n\t\treturn nil\n\t}\n\tselect {\n"
        "\tcase <-time.After(time.Second << attempt):\n\tcase <-ctx.Done():\n\t\treturn ctx.Err()\n\t}\n}",
        link="https://pkg.go.dev/context#Context",
        matches=_retries,
    ),
    Rule(
        id="GL034",
        refines=("GL002", "GL003"),
        title="goroutine that loops over a ticker",
        why=(
            "Each request leaves a goroutine that waits for a ticker's next tick. A ticker's channel is never closed, "
            "not even by Stop, so a loop over it has no end of its own."
        ),
        look_for="the loop over ticker.C: it needs a second case that ends it.",
        fix="ticker := time.NewTicker(interval)\ndefer ticker.Stop()\n"
        "for {\n\tselect {\n\tcase <-ticker.C:\n\t\tpoll()\n\tcase <-ctx.Done():\n\t\treturn\n\t}\n}",
        link="https://pkg.go.dev/time#Ticker.Stop",
        matches=_loops_over_ticker,
    ),
    Rule(
        id="GL036",
        refines=("GL002", "GL003"),
        title="goroutine waits for a long timer",
        why=(
            "Each request leaves a goroutine that waits for time.After, and for nothing else: it lives for the whole "
            "duration, however early its request is over."
        ),
        look_for="the duration, and a second case that ends the wait.",
        fix="select {\ncase <-time.After(delay):\ncase <-ctx.Done():\n\treturn\n}",
        link="https://pkg.go.dev/time#After",
        matches=_waits_for_timer,
    ),
    Rule(
        id="GL032",
        title="timer that has not fired",
        why=(
            "Each request starts a timer that is neither stopped nor due. Until it fires, the runtime keeps its "
            "function and all that this refers to."
        ),
        look_for="time.AfterFunc, time.NewTimer or time.After with a long duration, on a path that ends earlier.",
        fix="timer := time.AfterFunc(delay, expire)\ndefer timer.Stop()",
        link="https://pkg.go.dev/time#AfterFunc",
        matches=lambda facts: _direct(facts, "time.AfterFunc", "time.NewTimer", "time.After"),
    ),
    Rule(
        id="GL033",
        title="goroutine that sleeps again and again",
        why=(
            "Each request leaves a goroutine in time.Sleep. A loop that polls or retries with sleeps between does "
            "not notice that its request is over."
        ),
        look_for="a retry or polling loop without a limit, or one that does not look at the request's context.",
        fix="select {\ncase <-time.After(pause):\ncase <-ctx.Done():\n\treturn ctx.Err()\n}",
        link="https://pkg.go.dev/context",
        matches=has_wait("sleep", callee="time.Sleep"),
    ),
)
"""Things that end with time or by cancellation, and are given neither."""
