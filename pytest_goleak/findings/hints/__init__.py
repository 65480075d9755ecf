"""Rules that turn what is known about a finding into a cause, an explanation and a cure.

Rule ids are stable: ``GL0xx`` are specific causes, ``GL1xx`` and ``GL2xx`` say what is known where none fits, and
``GL201`` points from memory to the leaked goroutine that holds it. A wrong hint is worse than none, so a predicate
asks for frames, states and source lines that only its cause has.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_goleak.findings.hints import channels, context_timer, database, grpc, memory, nethttp, sync, system
from pytest_goleak.findings.hints.fallback import CONSEQUENCE, GOROUTINE, HEAP, LIBRARY_HEAP
from pytest_goleak.findings.hints.rule import Facts, Rule, waiting

__all__ = ["CONSEQUENCE", "ENDING", "HEAP", "KEEPERS", "RULES", "Facts", "Rule", "explain", "waiting"]

RULES: tuple[Rule, ...] = (
    *database.RULES,
    *grpc.RULES,
    *nethttp.RULES,
    *system.RULES,
    *context_timer.RULES,
    *sync.RULES,
    *channels.RULES,
    *memory.RULES,
)
"""The built-in rules; the first that matches explains, so the libraries' own come before what they wait for."""


ENDING: frozenset[str] = frozenset(rule.id for rule in context_timer.RULES)
"""Causes that keep what they refer to until something ends: the place to mend is theirs, not that of what they keep."""
KEEPERS: frozenset[str] = ENDING | frozenset(rule.id for rule in memory.RULES if rule.id not in ("GL075", "GL076"))
"""Causes that say who keeps memory; a part of an array says only what is kept."""


def explain(facts: Facts, extra_rules: Iterable[Rule] = ()) -> Rule:
    """Return the first rule that fits *facts*: of *extra_rules*, then of ours, else the fallback of the kind."""
    for rule in (*extra_rules, CONSEQUENCE, *RULES):
        if rule.matches(facts):
            return rule
    if facts.kind == "goroutine":
        return GOROUTINE
    return HEAP if facts.user else LIBRARY_HEAP
