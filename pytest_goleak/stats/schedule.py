"""How large the next dose is: from the measured rate, the time left, and what is still in doubt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_goleak.model.observation import LoadResult, Signal
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.blur import is_proven_but_for_blur, likely_high, too_noisy
from pytest_goleak.stats.design import BLOCK_ROUNDS, FIRST_ROUNDS, IDLE_SHARE, SPREAD, WARM_UP_REQUESTS, Thresholds
from pytest_goleak.stats.evidence import Evidence

__all__ = ["AMPLE", "DOUBLING", "LEAST_DOSE", "Schedule"]

ENOUGH_REQUESTS = 8_000
"""Requests after which late starters and one-in-a-hundred leaks have shown themselves."""

ENOUGH_LOAD_S = 2.0
"""Slow endpoints: load after which a verdict may be given on fewer requests; the report states how many."""

ENOUGH_OF_BOTH = 1.5
"""Sum of the shares of these two that is as good as all of either."""

DEAR_LOOK_S = 0.3
"""Looks that take longer leave time for few of them: the heap is large, or the machine busy."""

LEAST_ROUNDS = 2
"""Rounds of the smallest block: one with load, and one without."""

FIRST_BLOCK_SHARE = 0.2
"""Share of the budget that the block which is not judged may take with more rounds than these."""

CHEAP_SHARE = 0.3
"""Time for load, as a share of that of one look, up to which more of it hardly counts. What a round takes beside its
load is no measure: where work goes on after the answer, more load makes it longer."""

LARGER = 1.3
"""Factor from one dose to the next at least, and beyond what the noise asks for: both blocks are pooled if need be."""

MOST_LARGER = 16.0
MOST_LARGER_IF_QUIET = 4.0
"""Largest factor from one dose to the next, for noise without load, and for what comes with the load alone."""

CHEAP_S = 3.0
"""Time for a block up to which it has ample requests; those that take longer have as many as seem to be needed."""

FIRST_SHARE_S = 5.0
"""Longest time for the first judged block."""

DECISIVE_SHARE = 0.25
"""Share of the budget that it may take where it is decisive then."""

AGED_SHARE = 0.75
"""Share of the idle wait that the age of growth may stand for."""

AMPLE = 1.2
"""Requests beyond those that are enough on average: doses vary by chance, and the rate does as well. They also keep
what the first large doses leave once, some forty objects, below the alarm level."""

LEAST_MORE = 0.35
"""Dose of the rest where requests turned out to be too few, at least, as a share of the one before."""

SETTLED_SHARE = 0.5
"""Dose of a block, as a share of that of the one before, where all that kept that one from a verdict was over in it."""

LEAST_DOSE = 4
"""Requests of the smallest dose."""

AT_ONCE = 1.5
"""Multiple of the shortest load up to which a dose is taken to have been answered all at once."""

DOUBLING = (Signal.HEAP_BYTES,)
"""What grows where a slice or buffer is appended to: it is replaced by a larger one now and then."""

MAX_GROWTH = {Signal.HEAP_BYTES: 192 * 1024 * 1024, Signal.GOROUTINES: 3_000}
"""Growth that one block may bring about in the service, in the signal's unit: a test must not drive it out of memory,
nor out of descriptors, of which a goroutine that leaks may hold one."""


@dataclass(slots=True, kw_only=True)
class Schedule:
    """The time and requests spent so far, and what they allow next."""

    budget_s: float
    idle_s: float
    elapsed_s: float = 0.0
    served: int = 0
    load_s: float = 0.0
    """Seconds under load."""
    rate: float = 0.0
    """Requests per second, as last measured with more of them than are answered at once."""
    latency_s: float = 0.0
    """Time that the smallest dose takes; one that is answered at once takes as long."""
    round_cost_s: float = 0.02
    """Time that a round takes beside its load: settling and captures."""
    connections: int = 1
    """Connections that requests are sent on."""
    look_s: float = 0.0
    """Time that one look at the levels took after the warm-up."""

    def warmed_up(self, *, requests: int, rate: float, elapsed_s: float, connections: int = 1) -> None:
        """Take in the result of the warm-up."""
        self.served, self.rate, self.elapsed_s, self.connections = requests, rate, elapsed_s, connections
        self.load_s = requests / max(rate, 1e-3)

    def block_done(self, requests: int, result: BlockResult, *, idle_share: float = 1.0) -> None:
        """Take in the result of a block of *requests* requests, whose idle rounds had *idle_share* of the time."""
        self.served += requests
        loads = [load for load in result.loads if load]
        load_s = sum(load.duration_s for load in loads)
        self.load_s += load_s
        self._measure_rate(loads)
        if 2 * len(loads) == len(result.loads):
            took = result.observations[-1].at_s - result.observations[0].at_s
            self.round_cost_s = max(0.001, (took - (1 + idle_share) * load_s) / len(result.loads))

    def _measure_rate(self, loads: Sequence[LoadResult]) -> None:
        """Learn from *loads* how long doses take; those that were answered at once give no rate, only the least one."""
        load_s = sum(load.duration_s for load in loads)
        if load_s <= 0:
            return
        shortest = min(load.duration_s for load in loads)
        self.latency_s = min(self.latency_s or shortest, shortest)
        rate = sum(load.completed for load in loads) / load_s
        answer_s = max(load.latency_s for load in loads)
        at_once_s = min(self.latency_s, answer_s) if answer_s else self.latency_s
        if rate > self.rate or load_s > AT_ONCE * at_once_s * len(loads):
            self.rate = rate

    def first_dose(self) -> int:
        """Return the dose of the block that is not judged: small and quick, but about one for every connection.

        The runtime keeps records of what waits at a time, and the first larger dose would seem to grow by them.
        """
        quick = min(100, int(self.rate * 0.1 * min(1.0, self.budget_s / 30)))
        at_once = int(min(self.connections, WARM_UP_REQUESTS) / (1 + SPREAD))  # whatever the coin adds to it
        return max(LEAST_DOSE, at_once, quick)

    def first_rounds(self, *, proves: bool) -> int:
        """Return the rounds of that block: few, and fewer where they are dear; all where proof may begin with it."""
        if self.look_s > DEAR_LOOK_S:
            return LEAST_ROUNDS
        round_s = self.block_s(self.first_dose(), idle_share=IDLE_SHARE) / BLOCK_ROUNDS
        affordable = int(FIRST_BLOCK_SHARE * self.budget_s / round_s)
        wanted = (BLOCK_ROUNDS, FIRST_ROUNDS) if proves else (FIRST_ROUNDS,)
        return next((rounds for rounds in wanted if rounds <= affordable), LEAST_ROUNDS)

    def second_dose(self, first: Evidence, thresholds: Thresholds) -> int | None:
        """Return the dose of the first judged block: enough requests at once, if the time allows.

        ``None`` if the budget allows no block at all.
        """
        cheap = CHEAP_SHARE * self.look_s * self.rate
        wanted = math.ceil(max(AMPLE * self._missing / (BLOCK_ROUNDS / 2), self.at_once, cheap))
        # Where they take longer than their share, a second block takes longer still.
        is_worth_it = self.block_s(wanted, idle_share=IDLE_SHARE) < DECISIVE_SHARE * self.budget_s
        seconds = AMPLE * self.block_s(wanted) if is_worth_it else self.share_s()
        # What the runtime keeps to itself differs by the floor from round to round: fewer requests are rarely decisive,
        # unless there is growth to be seen.
        decisive = thresholds.decisive
        affordable = self._dose_within(DECISIVE_SHARE * self.budget_s, idle_share=IDLE_SHARE)
        if wanted < decisive < affordable and not first.is_telling(thresholds):
            # As many as are answered in the same time: doses are answered in waves of one request a connection.
            waves = math.ceil(decisive * (1 + SPREAD) / self.connections)
            wanted, seconds = math.ceil(waves * self.connections / (1 + SPREAD)), self.remaining_s
        dose = self.capped(wanted, seconds, first, thresholds)
        return dose if self.remaining_s > 0.9 * self.block_s(dose, idle_share=IDLE_SHARE) else None

    @property
    def at_once(self) -> int:
        """Requests of a dose that takes no longer than the smallest one, whatever the coin adds to it."""
        return int(self.rate * self.latency_s / (1 + SPREAD))

    def larger_dose(
        self, last: Evidence, thresholds: Thresholds, *, must_outlast: int, is_equal: bool = False
    ) -> int | None:
        """Return the next dose, or ``None`` if no block that could decide more fits into the budget.

        Args:
            last: the latest block.
            thresholds: of the experiment.
            must_outlast: requests more that must be flat.
            is_equal: whether the latest block has to be done again.

        """
        wanted = last.dose if is_equal else self._wanted_dose(last, thresholds, must_outlast=must_outlast)
        wanted = max(wanted, math.ceil(1.1 * must_outlast / (BLOCK_ROUNDS / 2)))
        # A block that leaves time to confirm what it may find is worth more than the largest one that fits, unless that
        # one alone is sharp enough. A hint that was chance is gone from an equal dose, too.
        confirmable = self.capped(wanted, self.confirmable_s, last, thresholds)
        largest = self.capped(wanted, self.remaining_s * 0.95, last, thresholds)
        sharp = 0 if last.hints(thresholds) else last.sharp_dose(thresholds)
        least = (LARGER if last.unproven(thresholds) or must_outlast else 1.0) * last.dose
        dose = confirmable if confirmable >= least and not confirmable < sharp <= largest else largest
        return dose if dose >= 0.8 * min(wanted, last.dose) and self.remaining_s > self.block_s(dose) else None

    def _wanted_dose(self, last: Evidence, thresholds: Thresholds, *, must_outlast: int) -> int:
        """Return the dose that may decide what *last* left open, whatever there is time for."""
        unproven = last.unproven(thresholds)
        # Equal doses do where rounds of equal length tell time from requests, and fewer where all noise was at the
        # beginning: there were requests enough by then.
        if is_proven_but_for_blur(last, thresholds):
            return last.dose
        if unproven and (later := last.later_noise(unproven, thresholds)) <= 1:
            settled = SETTLED_SHARE if self.is_enough() else 1.0
            return max(min(thresholds.decisive, last.dose), math.ceil(max(settled, 2 * later) * last.dose))
        # Where nothing is open but that there were too few requests, it is only these that are missing; but enough to
        # see what began in them, beside those before.
        if not unproven and not must_outlast and not last.hints(thresholds) and not self.is_enough():
            return math.ceil(max(AMPLE * self._missing / (BLOCK_ROUNDS / 2), LEAST_MORE * last.dose, self.at_once))
        # A hint is told from the floor by twice the dose; what was too noisy needs less noise per request.
        ample = (4 if unproven or must_outlast else 2) * last.dose
        excess = max([1.0, *(likely_high(last, signal) / thresholds.margin(signal) for signal in unproven)])
        # Where idle rounds are quiet, growth that varies is that of something that fills, more often than not; but for
        # bytes alone, which may double, and are flat for long then.
        is_noise = unproven == DOUBLING or too_noisy(last, thresholds, dose=last.dose)
        most = MOST_LARGER if is_noise else MOST_LARGER_IF_QUIET
        needed = math.ceil(min(LARGER * excess, most) * last.dose) if math.isfinite(excess) else ample
        return max(needed, self.capped(ample, CHEAP_S, last, thresholds))

    def sharp_dose(self, needed: int, ample: int, last: Evidence, thresholds: Thresholds) -> int | None:
        """Return the dose for noise that needs so many requests, or *ample* ones.

        These are sent for as long as that takes no large part of the budget. The dose leaves time to confirm what it
        may find, if that is enough; else it is as large as fits.
        """
        ample_s = DECISIVE_SHARE * self.budget_s + BLOCK_ROUNDS * self.round_cost_s
        wanted = max(needed, last.dose, self.capped(ample, ample_s, last, thresholds))
        confirmable = self.capped(wanted, self.confirmable_s, last, thresholds)
        dose = confirmable if confirmable >= needed else self.capped(wanted, 0.85 * self.remaining_s, last, thresholds)
        return dose if self.remaining_s > self.block_s(dose) else None

    def block_s(self, dose: int, *, idle_share: float = 1.0) -> float:
        """Return how long a block of this dose takes whose idle rounds have *idle_share* of the time of loaded ones."""
        loaded_s = max(self.latency_s, dose / max(self.rate, 1e-3))
        return BLOCK_ROUNDS * ((1 + idle_share) / 2 * loaded_s + self.round_cost_s)

    def _dose_within(self, seconds: float, *, idle_share: float) -> int:
        """Return the largest dose of a block that takes no longer than so many *seconds*; the inverse of block_s."""
        loaded_s = (seconds / BLOCK_ROUNDS - self.round_cost_s) * 2 / (1 + idle_share)
        return int(self.rate * loaded_s) if loaded_s >= self.latency_s else 0

    def most_load_s(self, *, rounds: int, idle_share: float) -> float:
        """Return the time that the load of a block may take before the budget is over."""
        return max(self.latency_s, (self.remaining_s - rounds * self.round_cost_s) / (1 + idle_share))

    def has_time_to_confirm(self, dose: int) -> bool:
        """Whether a block of *dose* and an idle wait still fit."""
        return self.remaining_s >= self.block_s(dose) + self.idle_s

    def aged_s(self, seconds: float) -> float:
        """Return by how much an idle wait may be shorter, half of the growth being so old when it begins.

        If that went with age, some of it would have gone by then.
        """
        return min(seconds, AGED_SHARE * self.idle_s)

    def has_time_to_wait(self) -> bool:
        """Whether an idle wait still fits."""
        return self.remaining_s >= self.idle_s

    def is_enough(self) -> bool:
        """Whether late and rare leaks had their chance."""
        requests, load = self.served / ENOUGH_REQUESTS, self.load_s / self._enough_load_s
        if requests >= 1 or load >= 1 or requests + load >= ENOUGH_OF_BOTH:
            return True
        return self.elapsed_s >= 0.8 * self.budget_s

    @property
    def _missing(self) -> float:
        """Requests more that are enough, or that are answered in the load that is, as fast as they were so far."""
        return min(ENOUGH_REQUESTS - self.served, (self._enough_load_s - self.load_s) * self.rate)

    def can_confirm_larger(self, block: Evidence, thresholds: Thresholds) -> bool:
        """Whether a clearly larger block, its repetition and an idle wait still fit."""
        dose = self.larger_dose(block, thresholds, must_outlast=0)
        needed_s = 2 * self.block_s(dose) + self.idle_s if dose is not None else math.inf
        return dose is not None and dose >= 1.5 * block.dose and self.remaining_s >= needed_s

    def affordable(self, requests: int, last: Evidence) -> int:
        """Return how many of *requests* more the time left and the service's memory allow."""
        by_time = self.rate * max(0.0, self.remaining_s - 1)
        by_growth = (most / max(1e-9, last.growth[signal].high) for signal, most in MAX_GROWTH.items())
        return max(0, int(min(requests, by_time, *by_growth)))

    @property
    def remaining_s(self) -> float:
        """What is left of the budget."""
        return self.budget_s - self.elapsed_s

    @property
    def confirmable_s(self) -> float:
        """Time for a block that leaves time for its repetition and an idle wait."""
        return (self.remaining_s - self.idle_s) / 2.2

    @property
    def _enough_load_s(self) -> float:
        return min(ENOUGH_LOAD_S, 0.1 * self.budget_s)

    def share_s(self) -> float:
        """Return the time for the first judged block; what remains should hold two repetitions and two idle waits."""
        return min(FIRST_SHARE_S, max(1.0, (self.remaining_s - 2 * self.idle_s) / 3.2))

    def capped(self, wanted: int, seconds: float, last: Evidence, thresholds: Thresholds) -> int:
        """Return *wanted*, or as much as so many *seconds* and the growth of *last* allow."""
        # Where a round costs more than its share of time, captures would take all of it: some of it is for load.
        loaded_s = max(seconds / BLOCK_ROUNDS - self.round_cost_s, 0.25 * self.round_cost_s, self.latency_s)
        by_time = loaded_s * self.rate
        # Never less than the last dose: what one block has shown the service to bear, another one may ask of it.
        by_growth = (
            max(last.dose, most / (BLOCK_ROUNDS / 2) / growth)
            for signal, most in MAX_GROWTH.items()
            if (growth := last.growth_by_load(signal)) > thresholds.alarm(signal)
        )
        return max(LEAST_DOSE, int(min(wanted, by_time, *by_growth)))
