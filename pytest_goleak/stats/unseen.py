"""What may go away while an endpoint is measured, so that as much growth may hide behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.stats.leftovers import left_over
from pytest_goleak.stats.rest import Rest

__all__ = ["Unseen"]

LIFE = 2.0
"""Multiple of the idle wait for which another endpoint's requests may leave something before it goes away."""


class Unseen:
    """Keeps account of all that may have left something for a while: this endpoint's requests, and others'.

    Args:
        past: earlier measurements of the same process.
        wait_s: the idle wait.

    """

    def __init__(self, past: Sequence[Measured], *, wait_s: float) -> None:
        self._past = past
        self._life_s = LIFE * wait_s
        self._doses: list[tuple[float, int]] = []
        """When they were over, and their requests."""
        self._most = dict.fromkeys(Signal, 0.0)
        """The most that one request leaves for a while."""
        self._rests: list[tuple[Rest, float]] = []
        """Idle waits, and from when on requests counted that may have left something when their blocks began."""

    def sent(self, requests: int, *, at_s: float) -> None:
        """Take in so many requests, which were over at *at_s*."""
        self._doses.append((at_s, requests))

    def grew(self, gross: Mapping[Signal, float]) -> None:
        """Take in by how much levels grew per request, be it for a while only."""
        self._most = {signal: max(most, gross[signal]) for signal, most in self._most.items()}

    def waited(self, rest: Rest, *, since_s: float) -> None:
        """Take in what an idle wait left, requests from *since_s* on being counted."""
        self._rests.append((rest, since_s))

    @property
    def rests(self) -> list[Rest]:
        """The idle waits so far."""
        return [rest for rest, _ in self._rests]

    def has_rested(self, at_s: float) -> bool:
        """Whether there was an idle wait before that moment."""
        return any(rest.ended_s <= at_s for rest in self.rests)

    def backlog(self, at_s: float, *, since_s: float) -> dict[Signal, float]:
        """Return the most that this endpoint's requests between two moments may have left for a while."""
        served = self._served(since_s, at_s)
        return {signal: served * most for signal, most in self._most.items()}

    def inherited(self, at_s: float) -> dict[Signal, float]:
        """Return the most that other endpoints' requests may have left at that moment."""
        return left_over(self._past, before_s=at_s, life_s=self._life_s)

    def at(self, start: Observation, *, since_s: float | None = None) -> dict[Signal, float]:
        """Return the most that was about to go away at the moment of *start*, whoever had left it.

        Of this endpoint's requests, those since *since_s* count, or all of them. If the process has been watched for so
        long that nothing can be there that nobody knows of, there is no more than levels rose since the first of them,
        beside what was there before it; and after an idle wait, if no request was sent since and that wait did not
        count fewer of them, no more than it left.
        """
        at_s = start.at_s
        inherited = self.inherited(at_s)
        backlog = self.backlog(at_s, since_s=-math.inf if since_s is None else since_s)
        unknown = self._unknown(at_s)
        unseen = {signal: backlog[signal] + inherited[signal] + unknown[signal] for signal in Signal}
        if not self._past or at_s - self._past[0].looks[0].at_s <= self._life_s:
            return unseen
        risen = self._risen(start)
        unseen = {signal: min(most, risen[signal]) for signal, most in unseen.items()}
        rest, counted_s = self._last_wait(at_s)
        if rest is None or (since_s is not None and since_s < counted_s):
            return unseen
        return {signal: min(most, max(0.0, rest.remains(signal))) for signal, most in unseen.items()}

    def _risen(self, start: Observation) -> dict[Signal, float]:
        """Return what was there before this endpoint's first request, and how far levels rose since then.

        Infinite where levels fell by more than was there: then something went away that nobody knows of.
        """
        before = self._past[-1].looks[-1]
        risen = {
            signal: most + start.level(signal) - before.level(signal)
            for signal, most in self._inherited_at_first.items()
        }
        return {signal: most if most >= 0 else math.inf for signal, most in risen.items()}

    @cached_property
    def _inherited_at_first(self) -> dict[Signal, float]:
        """What others' requests may have left before this endpoint's first one; reckoned from every look so far."""
        return self.inherited(self._past[-1].looks[-1].at_s)

    def _unknown(self, at_s: float) -> dict[Signal, float]:
        """Return what nobody knows of and may have been there at a moment.

        Unlimited if levels still fell when the last wait before was over, and more had gone than was known of; none if
        they had come to rest.
        """
        rests = [rest for rest in self.rests if rest.ended_s <= at_s]
        if not rests or not rests[-1].falling(Signal):
            return dict.fromkeys(Signal, 0.0)
        last = rests[-1]
        return {
            signal: 0.0 if last.is_accounted_for(signal) and math.isfinite(last.unseen[signal]) else math.inf
            for signal in Signal
        }

    def _last_wait(self, at_s: float) -> tuple[Rest | None, float]:
        """Return the idle wait before a moment, and from when on it counted requests; none if some came since."""
        before = [(rest, counted_s) for rest, counted_s in self._rests if rest.ended_s <= at_s]
        if not before or self._served(before[-1][0].ended_s, at_s):
            return None, 0.0
        return before[-1]

    def _served(self, since_s: float, before_s: float) -> int:
        """Return the requests of the doses that were over between two moments."""
        return sum(requests for over_s, requests in self._doses if since_s < over_s <= before_s)
