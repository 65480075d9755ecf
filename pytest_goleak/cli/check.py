"""The result of one check, and all of them as a table or as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pytest_goleak import __version__

__all__ = ["Check", "Status", "as_json", "as_table", "exit_code"]

_WIDTH = 100


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, what came of it, and what to do next."""

    name: str
    status: Status
    detail: str
    advice: str = ""


def exit_code(checks: Sequence[Check]) -> int:
    """Return 0 if all is well, 1 if there is a warning, 2 if something fails."""
    statuses = {check.status for check in checks}
    return 2 if Status.FAIL in statuses else int(Status.WARN in statuses)


def as_table(checks: Sequence[Check]) -> str:
    """Return a line or more for each check, and one that sums them up."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        head = f"{check.status.value:<4}  {check.name:<{width}}  "
        lines += _folded(check.detail, head)
        if check.advice:
            lines += _folded(f"-> {check.advice}", " " * len(head))
    counts = [f"{sum(check.status is status for check in checks)} {status.value}" for status in Status]
    return "\n".join([*lines, ", ".join(counts)])


def as_json(checks: Sequence[Check]) -> str:
    """Return the checks as a JSON document."""
    document = {
        "schema_version": 1,
        "tool": {"name": "pytest-goleak", "version": __version__},
        "exit_code": exit_code(checks),
        "checks": [
            {"name": each.name, "status": each.status.value, "detail": each.detail, "advice": each.advice}
            for each in checks
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _folded(text: str, head: str) -> list[str]:
    lines = [
        line
        for paragraph in text.splitlines() or [""]
        for line in textwrap.wrap(
            paragraph, max(40, _WIDTH - len(head)), break_long_words=False, break_on_hyphens=False
        )
        or [""]
    ]
    return [f"{head if number == 0 else ' ' * len(head)}{line}".rstrip() for number, line in enumerate(lines)]
