"""Goroutines that wait for a channel."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Facts, Rule, has_wait

__all__ = ["RULES"]


def _watches_context(facts: Facts) -> bool:
    return has_wait("chan receive")(facts) and ".Done()" in facts.source


RULES = (
    Rule(
        id="GL001",
        title="goroutine blocked on a channel send",
        why=(
            "Each request leaves a goroutine that waits to send on a channel from which nobody receives any more. "
            "It waits for ever, and keeps its stack and all that it refers to."
        ),
        look_for="a receiver that returns early (on an error, a time-out or the first result) while senders remain.",
        fix="results := make(chan result, 1) // room for the one value: the send never blocks\n"
        "go func() { results <- work() }()",
        link="https://go.dev/blog/pipelines",
        matches=has_wait("chan send"),
    ),
    Rule(
        id="GL006",
        refines=("GL002",),
        title="goroutine waits for a context that nobody cancels",
        why=(
            "Each request leaves a goroutine that waits for a context to be done. Nobody cancels that context, so the "
            "goroutine never ends."
        ),
        look_for="the place that makes this context: its cancel function must be called on every path.",
        fix="ctx, cancel := context.WithCancel(parent)\ndefer cancel()",
        link="https://pkg.go.dev/context#WithCancel",
        matches=_watches_context,
    ),
    Rule(
        id="GL002",
        title="goroutine blocked on a channel receive",
        why=(
            "Each request leaves a goroutine that waits to receive from a channel: neither the value nor the close of "
            "the channel that would end it comes. A `for range` over a channel ends only when that is closed."
        ),
        look_for="the sender of this channel: a path on which it neither sends nor closes, such as an early return.",
        fix="jobs := make(chan job)\ndefer close(jobs) // ends every `for range jobs`",
        link="https://go.dev/blog/pipelines",
        matches=has_wait("chan receive"),
    ),
    Rule(
        id="GL003",
        title="goroutine blocked in a select",
        why=(
            "Each request leaves a goroutine that waits in a select and never ends: it has no case that tells it to "
            "end, or nobody triggers that case."
        ),
        look_for="the case that should end it: <-ctx.Done() or a quit channel, and who cancels or closes it.",
        fix="select {\ncase value := <-values:\n\tuse(value)\ncase <-ctx.Done(): // the request's context\n\treturn\n}",
        link="https://go.dev/blog/context",
        matches=has_wait("select"),
    ),
    Rule(
        id="GL004",
        title="goroutine blocked on a nil channel",
        why=(
            "Each request leaves a goroutine that sends to or receives from a nil channel. That blocks for ever, "
            "by the language's definition."
        ),
        look_for="a channel variable or struct field that is declared and never made.",
        fix="events := make(chan event) // `var events chan event` alone is nil",
        link="https://go.dev/ref/spec#Channel_types",
        matches=has_wait("chan send (nil chan)", "chan receive (nil chan)"),
    ),
    Rule(
        id="GL005",
        title="goroutine blocked in an empty select",
        why="Each request leaves a goroutine in `select {}`, which blocks for ever by the language's definition.",
        look_for="a `select {}` (or a select whose cases are all nil channels) outside of main.",
        fix="<-ctx.Done() // wait for the end of the request instead",
        link="https://go.dev/ref/spec#Select_statements",
        matches=has_wait("select (no cases)"),
    ),
)
"""Sends, receives and selects that nothing completes."""
