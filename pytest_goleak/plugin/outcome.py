"""From a report to what pytest shows: passed, failed, skipped."""

from __future__ import annotations

from pytest_goleak.model.errors import GoleakError, LeakError

__all__ = ["GoleakWarning", "explain"]


class GoleakWarning(UserWarning):
    """Something that a user of leak tests should know, and that does not fail."""


def explain(error: BaseException) -> str | None:
    """Return the text that stands for *error* in pytest's output, ``None`` for errors that are not ours."""
    return str(error) if isinstance(error, (LeakError, GoleakError)) else None
