"""What to say where no specific rule fits, or where another finding is the cause: only what is known."""

from __future__ import annotations

from pytest_goleak.findings.hints.rule import Rule

__all__ = ["CONSEQUENCE", "GOROUTINE", "HEAP", "LIBRARY_HEAP"]

GOROUTINE = Rule(
    id="GL100",
    title="goroutine that never ends",
    why=(
        "Goroutines with this stack grow in number with the requests and do not end when the load is over. Each keeps "
        "its stack and all that it refers to."
    ),
    look_for="what should end it (a closed channel, a cancelled context, a closed connection) and who should do that.",
    link="https://go.dev/blog/pipelines",
    matches=lambda facts: facts.kind == "goroutine",
)
HEAP = Rule(
    id="GL200",
    title="memory that is kept",
    why=(
        "Memory allocated here grows with the requests and stays after garbage collection, so something that outlives "
        "the request refers to it. The profile shows where it was allocated, not who holds it."
    ),
    look_for="where the value goes from here: package variables, fields of long-lived objects, caches, queues, "
    "closures of goroutines and timers.",
    link="https://go.dev/doc/diagnostics",
    matches=lambda facts: facts.kind == "heap",
)
LIBRARY_HEAP = Rule(
    id="GL202",
    title="memory that a library keeps",
    why=(
        "Memory allocated by a library grows with the requests, and none of your own functions is on the stack. The "
        "library works for somebody: a connection, a background task or a registration made elsewhere."
    ),
    look_for="where your code starts this library's objects, and whether it closes or stops each of them.",
    link="https://go.dev/doc/diagnostics",
    matches=lambda facts: facts.kind == "heap" and facts.user is None,
)
CONSEQUENCE = Rule(
    id="GL201",
    title="memory of goroutines that never end",
    why=(
        "This memory is allocated where the leaked goroutines of this report run or are started. Their stacks refer "
        "to it, so it most likely goes away with them."
    ),
    look_for="the goroutine finding above; mend that one first.",
    matches=lambda facts: facts.kind == "heap" and facts.user in facts.leaking,
)
