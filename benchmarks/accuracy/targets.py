"""What the scoreboard must reach, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.accuracy.score import Score, Share, Spread

__all__ = ["Target", "targets"]

LEAST_SENSITIVITY = 0.99
MOST_FALSE_ALARMS = 0.005
MOST_INCONCLUSIVE = 0.03
LEAST_BLAME = 0.95
LEAST_BLAME_HEAP = 0.98
LEAST_BLAME_GOROUTINES = 1.0
LEAST_HINT_PRECISION = 0.95
LEAST_WITHIN = 0.95
MOST_CLEAN_S, MOST_CLEAN_P95_S = 2.0, 10.0
MOST_LEAK_S, MOST_PROVEN_S = 11.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure with its limit."""

    name: str
    figure: float | None
    """``None`` where nothing was measured: then the target is not missed."""
    limit: float
    is_least: bool
    """Whether the figure must be at least the limit; else at most."""
    share: Share | None = None
    """What the figure is, if it is a share; otherwise seconds."""
    count: int

    @property
    def is_reached(self) -> bool:
        """Whether the figure, not its interval, is on the right side."""
        if self.figure is None:
            return True
        return self.figure >= self.limit if self.is_least else self.figure <= self.limit


def targets(score: Score) -> list[Target]:
    """Return every target with the figure of *score*."""
    return [
        _least("leaks found", score.sensitivity, LEAST_SENSITIVITY),
        _most("false alarms", score.false_alarms, MOST_FALSE_ALARMS),
        _most("inconclusive", score.inconclusive, MOST_INCONCLUSIVE),
        _least("top finding right", score.blamed(within=1), LEAST_BLAME),
        _least("top finding right, goroutines", score.blamed(within=1, goroutines=True), LEAST_BLAME_GOROUTINES),
        _least("top finding right, memory", score.blamed(within=1, goroutines=False), LEAST_BLAME_HEAP),
        _least("specific hints right", score.hints, LEAST_HINT_PRECISION),
        _least("estimate within 10 %, leaks ≥ 64 B", score.estimates().within, LEAST_WITHIN),
        _median("seconds, clean, median", score.clean_s, MOST_CLEAN_S),
        _p95("seconds, clean, 95 %", score.clean_s, MOST_CLEAN_P95_S),
        _median("seconds, leaks, median", score.leak_s, MOST_LEAK_S),
        _median("seconds, leaks that `goroutineleak` proves, median", score.proven_s, MOST_PROVEN_S),
    ]


def _least(name: str, share: Share, limit: float) -> Target:
    return Target(name=name, figure=share.value, limit=limit, is_least=True, share=share, count=share.total)


def _most(name: str, share: Share, limit: float) -> Target:
    return Target(name=name, figure=share.value, limit=limit, is_least=False, share=share, count=share.total)


def _median(name: str, spread: Spread, limit: float) -> Target:
    return Target(name=name, figure=spread.median, limit=limit, is_least=False, count=spread.count)


def _p95(name: str, spread: Spread, limit: float) -> Target:
    return Target(name=name, figure=spread.p95, limit=limit, is_least=False, count=spread.count)
