"""A total budget, dealt out: what is certain early leaves its time to what is in doubt."""

from __future__ import annotations

from pytest_goleak.model.protocols import Clock
from pytest_goleak.model.units import format_seconds

__all__ = ["Allowance"]

RESERVE_S = 5.0
"""Kept back for each endpoint that is still to come: enough for most that are clean."""

LEAST_S = 2.0
"""Less than this decides nothing."""


class Allowance:
    """Deals out *total_s* seconds to so many *checks*, the first of which starts the clock.

    A check may take all that is left, but for a reserve for each one after it; so endpoints in doubt get what those
    that were certain early did not need. Where there is too little for all, the first ones get the least that can
    decide anything.
    """

    def __init__(self, total_s: float, *, checks: int, clock: Clock) -> None:
        self.total_s = total_s
        self._reserve_s = max(LEAST_S, min(RESERVE_S, total_s / max(1, checks)))
        self._to_come = checks
        self._clock = clock
        self._started_s: float | None = None

    @property
    def left_s(self) -> float:
        """What is left of the total."""
        return self.total_s if self._started_s is None else self.total_s - (self._clock.now() - self._started_s)

    def share(self, wanted_s: float) -> float | None:
        """Return how long the next check may take, *wanted_s* at most; ``None`` if there is too little left."""
        left_s = self.left_s
        if self._started_s is None:
            self._started_s = self._clock.now()
        self._to_come = max(0, self._to_come - 1)
        if left_s < min(LEAST_S, wanted_s):
            return None
        reserved = min(self._to_come, max(0, int((left_s - LEAST_S) // self._reserve_s)))
        return min(wanted_s, left_s - reserved * self._reserve_s)

    def refusal(self) -> str:
        """Say why the next check gets nothing."""
        least = f"one endpoint needs at least {format_seconds(LEAST_S)}"
        if self.total_s < LEAST_S:
            return f"the total budget is {format_seconds(self.total_s)}, and {least}"
        left = format_seconds(max(0.0, self.left_s))
        return f"of the total budget of {format_seconds(self.total_s)} {left} are left, and {least}"
