"""The bound without chance, sought where levels move up and down: no noise hides more than is alive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.stats.conclusion import clean_if_proven, doubt_about_clean
from pytest_goleak.stats.design import TELLING
from pytest_goleak.stats.evidence import FADING, Evidence
from pytest_goleak.stats.listening import listen
from pytest_goleak.stats.schedule import AMPLE
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["LESS", "QUICK_SHARE", "bound_by_alive", "outweighing"]

LOADS = 3
MOST = 2.0
"""Loads that the requests are sent in, and multiple of the time foreseen for them that they may take: where one turns
out to be slow, those after it are cut."""

QUICK_SHARE = 0.1
"""Share of the budget that they may take before anything else is tried; listening takes as much."""

LESS = 0.75
"""Share of the time of the next block that they may take once it is known how levels move: the block proves more."""


def outweighing(trial: Trial, block: Evidence, *, seconds: float) -> int | None:
    """Return how many requests outweigh what is alive; ``None`` if they take longer, or *block* leaves open no noise.

    What only goes away while nothing is sent is no noise: an idle wait ends it.
    """
    block = _as_heard(trial, block)
    if not any(_is_noise(trial, block, signal) for signal in block.unbounded(trial.thresholds)):
        return None
    requests = _requests(trial, block)
    takes_s = requests / max(trial.schedule.rate, 1e-3)
    return requests if takes_s <= seconds and trial.schedule.affordable(requests, block) >= requests else None


def bound_by_alive(trial: Trial, block: Evidence, requests: int) -> Part[Verdict | None]:
    """Send so many *requests*, and listen until a look shows that they outweigh what is alive: clean then.

    What each of them left would be among it. If levels are higher now, they were listened to all the same.
    """
    block = _as_heard(trial, block)
    load_s = min(MOST * requests / trial.schedule.rate, trial.schedule.most_load_s(rounds=LOADS, idle_share=0))
    sent = yield from trial.send(requests, loads=LOADS, load_s=load_s)
    trial.priming = None  # no longer what comes right before a block
    sharpened, further = trial.sharpened(block), (*block.further, *sent.doses)

    def is_told(looks: Sequence[Observation]) -> bool:
        return doubt_about_clean(trial, sharpened.followed_by(looks, further=further)) is None

    heard = yield from listen(trial, block.unbounded(trial.thresholds), is_told=is_told)
    trial.blocks[-1] = block = block.followed_by(heard.observations, further=further)
    return clean_if_proven(trial, block)


def _as_heard(trial: Trial, block: Evidence) -> Evidence:
    """Return *block* with what listening told of the signals that it leaves open."""
    return replace(block, restless=frozenset(block.unbounded(trial.thresholds))) if trial.is_restless else block


def _is_noise(trial: Trial, block: Evidence, signal: Signal) -> bool:
    """Whether *signal* goes up without load, or goes down with it and not without."""
    return block.swells(signal, trial.thresholds) or (
        block.has_fallen(signal, trial.thresholds, floors=TELLING)
        and not block.has_fallen_idle(signal, trial.thresholds)
    )


def _requests(trial: Trial, block: Evidence) -> int:
    """Return the requests more that bound what *block* leaves open, beside what is alive at the lowest.

    Where levels do not swell by themselves, none of them may be any lower later on, and the highest counts.
    """
    enough = 1.0
    hints, thresholds = block.hints(trial.thresholds), trial.thresholds
    for signal in {*block.unbounded(thresholds), *hints}:
        levels = [look.level(signal) for look in (*block.looks, *block.later)]
        level = min(levels) if block.swells(signal, thresholds) else max(levels)
        grown = FADING * block.growth[signal].per_request if signal in hints else math.inf
        enough = max(enough, AMPLE * level / min(thresholds.margin(signal), grown) - sum(block.further))
    return math.ceil(enough)
