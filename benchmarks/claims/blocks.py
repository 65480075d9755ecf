"""What the method claims of single blocks: the level of the test, and the coverage of its bounds.

Every check calls the code that judges real services, :mod:`pytest_goleak.stats.randomisation`, on levels that a
simulation made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.claims.share import Share
from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.design import CONFIRM_LEVEL, MAX_SUSPICIONS, SUSPICION_LEVEL, Coin
from pytest_goleak.stats.randomisation import Experiment, Growth, analyse, pool

__all__ = ["EFFECTS", "NOISE", "BlockErrors", "bare_rule", "block_errors", "effect_coverage"]

Floats = np.ndarray

DOSE = 1_600
LEAK_BYTES = 16.0
"""Constant effect that the coverage of the bounds is checked with."""

# --- noise: levels that do not care about the coin ------------------------------------------------------------------

Noise = Callable[[np.random.Generator, int], Floats]
KIB = 1024.0


def _autoregressive(rng: np.random.Generator, count: int) -> Floats:
    levels = rng.normal(0, 8 * KIB, count)
    for index in range(1, count):
        levels[index] += 0.9 * levels[index - 1]
    return levels


def _sawtooth(rng: np.random.Generator, count: int) -> Floats:
    return 8 * KIB * KIB * ((np.arange(count) / rng.uniform(1.3, 6) + rng.uniform()) % 1)


def _trend(rng: np.random.Generator, count: int) -> Floats:
    time = np.arange(count, dtype=float)
    return 100 * KIB * time + 5 * KIB * time**2 + rng.normal(0, 4 * KIB, count)


NOISE: dict[str, Noise] = {
    "white": lambda rng, count: rng.normal(0, 8 * KIB, count),
    "autocorrelated (AR 0.9)": _autoregressive,
    "random walk": lambda rng, count: np.cumsum(rng.normal(0, 8 * KIB, count)),
    "heavy-tailed walk (t, 1.5)": lambda rng, count: np.cumsum(4 * KIB * rng.standard_t(1.5, count)),
    "trend, bent upwards": _trend,
    "saw-tooth 8 MiB": _sawtooth,
    "rare steps (many ties)": lambda rng, count: 64 * KIB * np.cumsum(rng.poisson(0.2, count)),
    "variance that grows": lambda rng, count: KIB * rng.normal(0, 1, count) * np.arange(1, count + 1) ** 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockErrors:
    """How often the test of one block errs, under one kind of noise."""

    suspected: Share
    """Without effect: p at most 6/252."""
    confirmed: Share
    """Without effect: p at most 1/252."""
    low_holds: Share
    """With a constant effect: the lower bound is not above it."""
    high_holds: Share
    both_hold: Share


def block_errors(noise: str, runs: int) -> BlockErrors:
    """Check level and coverage of one block's test; the coin is the product's, the noise *noise*."""
    rng = np.random.default_rng(sum(noise.encode()))
    suspected = confirmed = lows = highs = both = 0
    for run in range(runs):
        doses = Coin(f"{noise}/{run}").doses(DOSE)
        levels = NOISE[noise](rng, len(doses) + 1)
        p_value = _growth(levels, doses).p_value
        suspected += p_value <= SUSPICION_LEVEL
        confirmed += p_value <= CONFIRM_LEVEL
        held = _held(levels + _accumulated(LEAK_BYTES * np.array(doses)), doses)
        lows, highs, both = lows + held[0], highs + held[1], both + all(held)
    return BlockErrors(
        suspected=Share(suspected, runs),
        confirmed=Share(confirmed, runs),
        low_holds=Share(lows, runs),
        high_holds=Share(highs, runs),
        both_hold=Share(both, runs),
    )


# --- effects that are not constant: where the bounds promise nothing ------------------------------------------------

Effect = Callable[[np.random.Generator, Floats], Floats]
"""Growth of each round, given the doses; all mean :data:`LEAK_BYTES` per request."""


def _every_hundredth(rng: np.random.Generator, doses: Floats) -> Floats:
    return 100 * LEAK_BYTES * rng.binomial(doses.astype(int), 0.01)


def _carried_over(_: np.random.Generator, doses: Floats) -> Floats:
    return LEAK_BYTES * doses + 4 * LEAK_BYTES * np.diff(doses, prepend=0.0)


def _fading(_: np.random.Generator, doses: Floats) -> Floats:
    shares = np.linspace(1.5, 0.5, len(doses))
    return LEAK_BYTES * doses * shares


EFFECTS: dict[str, Effect] = {
    "constant": lambda _, doses: LEAK_BYTES * doses,
    "1,600 B in 1 of 100 requests, at random": _every_hundredth,
    "falls to a third along the block": _fading,
    "64 B more per request, gone one round later": _carried_over,
}


def effect_coverage(effect: str, runs: int) -> tuple[Share, Share]:
    """Return how often the lower and the upper bound hold the mean effect, under white noise."""
    rng = np.random.default_rng(sum(effect.encode()))
    lows = highs = 0
    for run in range(runs):
        doses = Coin(f"{effect}/{run}").doses(DOSE)
        growth = EFFECTS[effect](rng, np.array(doses, dtype=float))
        low, high = _held(NOISE["white"](rng, len(doses) + 1) + _accumulated(growth), doses)
        lows, highs = lows + low, highs + high
    return Share(lows, runs), Share(highs, runs)


# --- the rule that alpha bounds, bare of everything else that a leak must show --------------------------------------


def bare_rule(noise: str, runs: int) -> Share:
    """Return how often suspicion and confirmation alone would call noise a leak.

    All eight blocks are used up, the signals are independent (the worst case), and no growth is too small.
    """
    rng = np.random.default_rng(sum(noise.encode()) + 1)
    return Share(sum(_is_called_leak(noise, rng, f"{noise}/{run}") for run in range(runs)), runs)


def _is_called_leak(noise: str, rng: np.random.Generator, seed: str) -> bool:
    coin = Coin(seed)

    def block() -> list[Experiment]:
        doses = coin.doses(DOSE)
        return [analyse(NOISE[noise](rng, len(doses) + 1).tolist(), doses) for _ in Signal]

    for _ in range(MAX_SUSPICIONS):
        suspects = [index for index, each in enumerate(block()) if each.growth_per_request().p_value <= SUSPICION_LEVEL]
        if not suspects:
            continue
        repeat, again = block(), block()
        for index in suspects:
            alone, joint = repeat[index], pool(repeat[index], again[index])
            if min(alone.growth_per_request().p_value, joint.growth_per_request().p_value) <= CONFIRM_LEVEL:
                return True
    return False


# --- parts of the checks --------------------------------------------------------------------------------------------


def _growth(levels: Floats, doses: tuple[int, ...]) -> Growth:
    return analyse(levels.tolist(), doses).growth_per_request()


def _held(levels: Floats, doses: tuple[int, ...]) -> tuple[bool, bool]:
    growth = _growth(levels, doses)
    tie = 1e-6 * LEAK_BYTES
    return growth.low <= LEAK_BYTES + tie, growth.high >= LEAK_BYTES - tie


def _accumulated(growth: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(growth)])
