"""What the last blocks and the wait after them left, by the levels alone: the other way to know growth per request.

The randomised rounds tell growth by requests from growth by time, whatever goes on beside them. But they count what
requests set off only up to the end of their round: what comes a moment later grows the next one, idle or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Outcome, SignalEstimate
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.drift import drift_at_rest
from pytest_goleak.stats.evidence import Evidence

__all__ = ["Kept", "kept_of"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What stayed of a signal, per request, in its unit."""

    per_request: float
    error: float
    """By how much that may be wrong: by the runtime's own structures, and as much as a round was off."""

    def corrects(self, estimate: SignalEstimate) -> bool:
        """Whether this is more than *estimate*, and known better, or clearly more.

        It may be less for many reasons: what earlier requests left went away meanwhile, or was used again.
        """
        is_sharper = self.error < (estimate.high - estimate.low) / 2
        is_beyond = self.per_request - self.error > estimate.high
        return self.per_request > estimate.per_request and (is_sharper or is_beyond)

    def in_place_of(self, estimate: SignalEstimate, margin: float) -> SignalEstimate:
        """Return *estimate* with these figures; what may exceed the *margin* is not clean."""
        high = self.per_request + self.error
        is_open = estimate.outcome is Outcome.CLEAN and high >= margin
        return replace(
            estimate,
            per_request=self.per_request,
            low=max(estimate.low, self.per_request - self.error),
            high=high,
            outcome=Outcome.INCONCLUSIVE if is_open else estimate.outcome,
        )


def kept_of(
    signal: Signal, blocks: Sequence[Evidence], waited: Sequence[Observation], thresholds: Thresholds
) -> Kept | None:
    """Return what *blocks* and the wait after them left of *signal*, less what grew without load in the wait.

    By all of them or by the later ones alone, whichever is least: the first ones may have filled something, and what
    comes late of each is in the next. ``None`` if the wait does not tell how much grew without load.
    """
    drift = drift_at_rest(waited, signal, floor=thresholds.floor(signal))
    if drift is None:
        return None
    last, after = blocks[-1], waited[-1]
    lefts, requests = [], 0
    for block in reversed(blocks):
        requests += block.requests
        left = after.level(signal) - block.start.level(signal) - drift * (after.at_s - block.start.at_s)
        lefts.append(left / requests)
    error = thresholds.floor(signal) + last.largest_residual(signal)
    return Kept(per_request=min(lefts), error=error / last.requests)
