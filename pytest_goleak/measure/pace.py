"""How long rounds last: idle ones as long as loaded ones, so that growth with time is the same in both."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

__all__ = ["Pace"]

RECENT = 5
"""Rounds of either kind that the next pause is reckoned from."""


class Pace:
    """Learns from rounds that are over how long the next idle one has to pause.

    A loaded round takes longer than its load: connections close, collections have more to do. An idle round that
    lasted only as long as the load would have less of what grows with time, and requests would be blamed for it.
    """

    def __init__(self) -> None:
        self._settling: list[float] = []
        self._looking: list[float] = []

    def loaded(self, whole_s: float, load_s: float) -> None:
        """Take in a loaded round: how long it was from level to level, and its load alone."""
        self._settling.append(whole_s - load_s)

    def idle(self, whole_s: float, pause_s: float) -> None:
        """Take in an idle round: how long it was from level to level, and its pause alone."""
        self._looking.append(whole_s - pause_s)

    def pause_s(self, load_s: float, *, share: float = 1.0) -> float:
        """Return how long to pause in an idle round, so that it lasts *share* of one with *load_s* seconds of load."""
        settling = _recent_mean(self._settling)
        looking = _recent_mean(self._looking) if self._looking else settling
        return max(0.0, share * (load_s + settling) - looking)


def _recent_mean(seconds: Sequence[float]) -> float:
    return fmean(seconds[-RECENT:]) if seconds else 0.0
