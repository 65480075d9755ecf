"""How the experiment is laid out: the coin, the doses, and the thresholds that they are judged by."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance

__all__ = [
    "ALPHA",
    "BLOCK_ROUNDS",
    "CONFIRM_LEVEL",
    "FEW_ROUNDS",
    "FIRST_ROUNDS",
    "IDLE_SHARE",
    "MAX_SUSPICIONS",
    "SPREAD",
    "SUSPICION_LEVEL",
    "TELLING",
    "WARM_UP_REQUESTS",
    "WARM_UP_S",
    "Coin",
    "Thresholds",
]

WARM_UP_S = 0.4
WARM_UP_REQUESTS = 300
"""Requests that open connections and fill what is filled at once. What they leave for a while may hide as much growth
later on, so there are no more of them than that takes."""

BLOCK_ROUNDS = 10
"""Rounds of a block: the coin has C(10, 5) = 252 choices, so the smallest p-value is 0.004."""

FEW_ROUNDS = 8
"""Rounds of a block that is not to confirm anything, where levels take long to read and are steady then: C(8, 4) = 70
choices, so the smallest p-value is 0.014, which is enough for a suspicion or a bound."""

FIRST_ROUNDS = 4
"""Rounds of the block that only takes up once-only growth."""

IDLE_SHARE = 1 / 3
"""Length of the idle rounds of a block that only has to raise a suspicion, as a share of the loaded ones.

What grows with time alone then grows more in loaded rounds; :func:`~pytest_goleak.stats.evidence.judge_block` takes
off as much as the idle rounds showed at their fastest. Growth in random steps escapes that, if no idle round happens
to have one and every loaded round has: with *x* the chance that a loaded round has none that is (1-x)^5 x^(5/3), 2.3 %
at most, which is the level of a suspicion. Blocks that confirm one have rounds of equal length."""

SPREAD = 0.2
"""By how much doses vary up and down, so that batches of the service do not run in step with ours."""

GROWING = 1.2
GROWING_SPREAD = 0.1
"""Factor from one round to the next, and by how much doses vary, in a block for what grows in ever rarer steps: in each
loaded round the requests so far grow by a quarter at least, if the mean dose is 1.3 times as many as those before."""

MAX_SUSPICIONS = 8
"""Blocks that may raise a suspicion, the first one among them; a run that needs more is inconclusive."""

SUSPICION_LEVEL = 6 / 252
CONFIRM_LEVEL = 1 / 252 + 1e-9

ALPHA = MAX_SUSPICIONS * len(Signal) * SUSPICION_LEVEL * 2 * CONFIRM_LEVEL
"""Family-wise bound on a false ``leak`` by chance: some block and signal look grown, *and* an independently randomised
block of equal dose, or that one pooled with a second, says so again: 8 * 3 * 0.0238 * (0.004 + 0.004) = 0.0045.
Everything else that a leak must show (size, retention, no decay) only makes it smaller."""

_ALARM = {Signal.HEAP_BYTES: 8 / 128, Signal.HEAP_OBJECTS: 0.005 / 0.1, Signal.GOROUTINES: 0.001 / 0.01}
"""Share of the tolerance above which significant growth is suspected."""

_DEFAULT = Tolerance()

_FLOOR = {Signal.HEAP_BYTES: 32 * 1024, Signal.HEAP_OBJECTS: 64, Signal.GOROUTINES: 2}
"""Growth of a whole block that runtime and pool structures reach without a leak."""

TELLING = 3
"""Multiple of the floor of a block that must stay of growth before it is called a leak: tables of libraries fill by
less, and slowly."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as growth, per signal, derived from the user's tolerance."""

    tolerance: Tolerance

    def margin(self, signal: Signal) -> float:
        """Return the growth per request that ``clean`` must exclude."""
        return self.tolerance.of(signal)

    def alarm(self, signal: Signal) -> float:
        """Return the growth per request above which significant growth is suspected.

        The default tolerance is a resolution, and growth well below it is suspected once it is certain. One that the
        user has widened is a permission: only growth beyond it is.
        """
        margin = self.margin(signal)
        return margin if margin > _DEFAULT.of(signal) else _ALARM[signal] * margin

    def floor(self, signal: Signal) -> int:
        """Return the growth of a block, in the signal's unit, that is never suspected."""
        return _FLOOR[signal]

    @property
    def decisive(self) -> int:
        """Requests whose growth by the tolerance is as much as runtime structures reach."""
        return math.ceil(max(self.floor(signal) / self.margin(signal) for signal in Signal))


class Coin:
    """The seeded source of every random choice in one experiment."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret

    def doses(self, requests: int, *, rounds: int = BLOCK_ROUNDS) -> tuple[int, ...]:
        """Return the doses of one block: half of the rounds idle, the others about *requests* each."""
        return self.rounds(requests, rounds=rounds)[0]

    def rounds(
        self, requests: int, *, rounds: int = BLOCK_ROUNDS, is_growing: bool = False
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the doses of one block, and the sizes of its rounds: what each would get if it were loaded.

        The sizes vary by :data:`SPREAD`. Idle rounds vary in length as loaded ones do: else what has a period would add
        the same to every idle round alone. If the block *is_growing* each round is larger than the one before it,
        whichever are loaded, and varies less.
        """
        loaded = set(self._random.sample(range(rounds), rounds // 2))
        spread = GROWING_SPREAD if is_growing else SPREAD
        shape = [GROWING**number if is_growing else 1.0 for number in range(rounds)]
        means = [requests * each * rounds / sum(shape) for each in shape]
        sizes = tuple(max(1, round(mean * self._random.uniform(1 - spread, 1 + spread))) for mean in means)
        return tuple(size if index in loaded else 0 for index, size in enumerate(sizes)), sizes
