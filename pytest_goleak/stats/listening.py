"""How levels move by themselves, and how to look at those that never rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.step import Listen, ListenResult
from pytest_goleak.stats.noise import Looking, best_looking, is_restless
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["listen"]

LISTEN_S = 1.0
LISTEN_SHARE = 0.1
"""Time that listening takes at least, and share of the time left that it may take."""

LISTEN_SLICE_S = 0.25
LISTEN_SLICE_SHARE = 0.1
"""Time after which it is seen whether what was heard is enough, and share of what was heard that it is at least."""


def listen(
    trial: Trial, signals: Sequence[Signal], *, is_told: Callable[[Sequence[Observation]], bool] | None = None
) -> Part[ListenResult]:
    """Learn how *signals* move by themselves; if they never rest, look in the way that suits that from now on.

    Return what was heard: as much as there is time for, or as tells how what swells is dropped, or until *is_told* says
    that the looks so far tell all.
    """
    trial.listened_after = len(trial.blocks)
    ends_s = trial.schedule.elapsed_s + max(LISTEN_S, LISTEN_SHARE * trial.schedule.remaining_s)
    heard: tuple[Observation, ...] = ()
    heard_s, is_over = 0.0, False
    while not is_over:
        slice_s = max(LISTEN_SLICE_S, LISTEN_SLICE_SHARE * heard_s)
        result = yield from trial.ask(Listen(seconds=slice_s), ListenResult)
        heard += result.observations
        heard_s = heard[-1].at_s - heard[0].at_s
        is_over = result.elapsed_s >= ends_s or (is_told is not None and is_told(heard))
        if is_over or heard_s >= LISTEN_S:
            _hear(trial, heard, signals)
            is_over |= bool(trial.looking.looks.falls)
    trial.schedule.round_cost_s = max(trial.schedule.round_cost_s, trial.looking.seconds)
    return ListenResult(observations=heard, elapsed_s=trial.schedule.elapsed_s)


def _hear(trial: Trial, heard: Sequence[Observation], signals: Sequence[Signal]) -> None:
    """Take in what was *heard*."""
    trial.is_restless = is_restless(heard, signals, trial.thresholds)
    trial.looking = Looking()
    if trial.is_restless:
        trial.looking = best_looking(
            heard,
            signals,
            thresholds=trial.thresholds,
            seconds=trial.schedule.remaining_s,
            rate=trial.schedule.rate,
        )
