"""Known leaks: which findings an ignore rule covers."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pytest_goleak.findings.hints import CONSEQUENCE
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import IgnoreRule
from pytest_goleak.model.report import Finding

__all__ = ["Matched", "apply", "is_glob_match"]

LEAST_STACK = 2048
"""Bytes of the smallest stack that Go gives a goroutine."""

MINOR_SHARE = 0.2
"""Share of what leaked goroutines keep that a library's memory beside them may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Findings with the known ones marked, and the rules that did nothing."""

    findings: tuple[Finding, ...]
    """In the order given; ``ignored_by`` is the reason of the first rule that matches."""
    expired: tuple[IgnoreRule, ...]
    """Rules that no longer apply."""
    unused: tuple[IgnoreRule, ...]
    """Rules that apply and match none of the findings."""


def apply(findings: Iterable[Finding], rules: Sequence[IgnoreRule], *, today: date) -> Matched:
    """Mark the *findings* that *rules* cover; a rule applies up to and including the day it expires.

    Raises:
        ConfigError: a rule's expiry is not an ISO date.

    """
    expired = tuple(rule for rule in rules if _has_expired(rule, today))
    valid = [rule for rule in rules if rule not in expired]
    used: list[IgnoreRule] = []
    marked: list[Finding] = []
    for finding in findings:
        matching = [rule for rule in valid if _covers(rule, finding)]
        used += matching
        marked.append(replace(finding, ignored_by=matching[0].reason) if matching else finding)
    marked = _with_consequences(marked)
    return Matched(findings=tuple(marked), expired=expired, unused=tuple(rule for rule in valid if rule not in used))


def _with_consequences(findings: list[Finding]) -> list[Finding]:
    """Let memory that leaked goroutines hold be known where all of these are: it is the same leak."""
    causes = [finding for finding in findings if finding.rule_id != CONSEQUENCE.id]
    held = sum(_held_bytes(finding) for finding in causes if finding.ignored_by)
    causes = [finding for finding in causes if not _is_by_product(finding, held)]
    if not causes or any(finding.ignored_by is None for finding in causes):
        return findings
    return [
        finding if finding.ignored_by else replace(finding, ignored_by=causes[0].ignored_by) for finding in findings
    ]


def _held_bytes(finding: Finding) -> float:
    """Return what a leaked goroutine keeps at least, in bytes per request."""
    return LEAST_STACK * finding.per_request if finding.kind == "goroutine" else 0.0


def _is_by_product(finding: Finding, held: float) -> bool:
    """Whether *finding* is little memory of a library beside known goroutines that keep *held* bytes per request.

    The library served the same requests, and the goroutines refer to some of what it made for them.
    """
    return finding.kind == "heap" and not finding.user_frames and finding.per_request <= MINOR_SHARE * held


def is_glob_match(pattern: str, name: str) -> bool:
    """Whether *pattern* is *name*, or matches it with ``*`` (any text) and ``?`` (any character).

    Brackets are literal, since Go writes generic functions with them; so is a star that stands for itself, as in
    ``main.(*cache).put``.
    """
    return pattern == name or _compiled(pattern).fullmatch(name) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    wildcards = {"*": ".*", "?": "."}
    return re.compile("".join(wildcards.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def _has_expired(rule: IgnoreRule, today: date) -> bool:
    if rule.expires is None:
        return False
    try:
        return today > date.fromisoformat(rule.expires)
    except ValueError:
        raise ConfigError(
            f"ignore rule {rule.reason!r}: expires is {rule.expires!r}; expected a date such as 2027-01-31."
        ) from None


def _covers(rule: IgnoreRule, finding: Finding) -> bool:
    stack = [_function_of(entry) for entry in finding.stack]
    creator = [finding.created_by] if finding.created_by else []
    top = _top_functions(stack)
    conditions = (
        (rule.function, [finding.function, *top, *creator]),
        (rule.top_function, top),
        (rule.any_function, [finding.function, *stack]),
        (rule.created_by, creator),
    )
    asked = [(pattern, names) for pattern, names in conditions if pattern is not None]
    return bool(asked) and all(any(is_glob_match(pattern, name) for name in names) for pattern, names in asked)


def _top_functions(stack: Sequence[str]) -> list[str]:
    """Return the leaf, and the first function outside of the runtime: a Go stack dump shows only the latter."""
    visible = next((function for function in stack if not function.startswith("runtime.")), None)
    return list(dict.fromkeys([*stack[:1], *([visible] if visible else [])]))


def _function_of(entry: str) -> str:
    """Return the function in ``function file:line``; type arguments may hold spaces of their own."""
    depth = 0
    for index, char in enumerate(entry):
        depth += (char in "[{") - (char in "]}")
        if char == " " and depth <= 0:
            return entry[:index]
    return entry
