"""Contexts that are not cancelled, timers and tickers that are not stopped, loops that sleep."""

from __future__ import annotations

import re

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


_READS_TICKER = re.compile(r"(?:range|<-)\s*[\w.]+\.C\b")


def _loops_over_ticker(facts: Facts) -> bool:
    made = any("time.NewTicker(" in line for line in facts.body)
    return has_wait("chan receive")(facts) and made and _READS_TICKER.search(facts.source) is not None


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
        id="GL034",
        title="goroutine that loops over a ticker",
        why=(
            "Each request leaves a goroutine that waits for a ticker's next tick. A ticker's channel is never closed, "
            "not even by Stop, so a loop over it has no end of its own."
        ),
        look_for="the loop over ticker.C: it needs a second case that ends it.",
        fix="for {\n\tselect {\n\tcase <-ticker.C:\n\t\tpoll()\n\tcase <-ctx.Done():\n\t\treturn\n\t}\n}",
        link="https://pkg.go.dev/time#Ticker.Stop",
        matches=_loops_over_ticker,
    ),
    Rule(
        id="GL036",
        title="goroutine waits for a long timer",
        why=(
            "Each request leaves a goroutine that waits for time.After, and for nothing else: it lives for the whole "
            "duration, however early its request is over."
        ),
        look_for="the duration, and a second case that ends the wait.",
        fix="select {\ncase <-time.After(delay):\ncase <-ctx.Done():\n\treturn\n}",
        link="https://pkg.go.dev/time#After",
        matches=lambda facts: has_wait("chan receive")(facts) and "<-time.After(" in facts.source,
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
