"""A total budget, dealt out: what is certain early leaves its time to what is in doubt."""

from __future__ import annotations

from pytest_goleak.model.protocols import Clock

__all__ = ["Allowance"]

RESERVE_S = 5.0
"""Kept back for each endpoint that is still to come: enough for most that are clean."""

LEAST_S = 2.0
"""Less than this decides nothing."""


class Allowance:
    """Deals out *total_s* seconds to so many *checks*, the first of which starts the clock.

    A check may take all that is left, but for a reserve for each one after it; so endpoints in doubt get what those
    that were certain early did not need.
    """

    def __init__(self, total_s: float, *, checks: int, clock: Clock) -> None:
        self.total_s = total_s
        self._checks = checks
        self._left = checks
        self._clock = clock
        self._ends_s: float | None = None

    def share(self, wanted_s: float) -> float | None:
        """Return how long the next check may take, *wanted_s* at most; ``None`` if there is too little left."""
        if self._ends_s is None:
            self._ends_s = self._clock.now() + self.total_s
        self._left = max(0, self._left - 1)
        reserve_s = self._left * min(RESERVE_S, self.total_s / max(1, self._checks))
        left_s = self._ends_s - self._clock.now()
        share_s = min(wanted_s, max(left_s - reserve_s, min(left_s, RESERVE_S)))
        return share_s if share_s >= min(LEAST_S, wanted_s) else None
