"""One experiment under way: its plan, its coin, what it has seen so far, and the steps that it can take."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import TypeVar

from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome, SignalEstimate, Verdict
from pytest_goleak.model.step import (
    Block,
    BlockResult,
    Drain,
    DrainResult,
    ListenResult,
    Step,
    StepResult,
)
from pytest_goleak.stats import wording
from pytest_goleak.stats.blur import grows_with_time, is_proven_but_for_blur, would_blur
from pytest_goleak.stats.classes import bytes_alone_reached, must_outlast
from pytest_goleak.stats.design import ALPHA, BLOCK_ROUNDS, FIRST_ROUNDS, IDLE_SHARE, MAX_SUSPICIONS, Coin, Thresholds
from pytest_goleak.stats.drift import background_drift
from pytest_goleak.stats.evidence import Evidence, judge_block
from pytest_goleak.stats.noise import Looking
from pytest_goleak.stats.power import Conditions, predict
from pytest_goleak.stats.priming import Priming, priming_of
from pytest_goleak.stats.randomisation import spread
from pytest_goleak.stats.rest import Rest, rest_after
from pytest_goleak.stats.schedule import Schedule
from pytest_goleak.stats.trace import Trace
from pytest_goleak.stats.unseen import Unseen
from pytest_goleak.stats.waiting import wait_after

__all__ = ["PRIMING_LOADS", "Part", "Trial"]

PRIMING_LOADS = 3
"""Loads that prime for a block, at least."""

T = TypeVar("T")
Part = Generator[Step, StepResult, T]
"""A stretch of the experiment that yields steps and comes to a result of type ``T``."""


class Trial:
    """The state that the parts of an experiment share.

    Args:
        plan: budget, idle wait, tolerance and seed.
        sample_bytes: mean bytes between two samples of the service's heap profile.
        coin: decides which rounds get load.
        is_varied: whether the endpoint's requests differ from one another.
        past: earlier measurements of the same process.

    """

    def __init__(
        self, plan: MeasurePlan, sample_bytes: int, coin: Coin, *, is_varied: bool, past: Sequence[Measured] = ()
    ) -> None:
        self.plan = plan
        self.sample_bytes = sample_bytes
        self.coin = coin
        self.is_varied = is_varied
        self.past = past
        self.trace = Trace()
        self.thresholds = Thresholds(plan.tolerance)
        self.schedule = Schedule(budget_s=plan.budget_s, idle_s=plan.wait_s)
        self.unseen = Unseen(past, wait_s=plan.wait_s)
        self.blocks: list[Evidence] = []
        self.priming: Priming | None = None
        """What was sent for the next block to show what goes on after it."""
        self.repetitions: list[tuple[Evidence, Evidence]] = []
        self.judged_from = 0
        self.proven_at_start: int | None = None
        self.drained_in_s: float | None = None
        self.forecast_s: float | None = None
        self.levelled_after: int | None = None
        self.flat = 0
        """Requests since the latest block that left nothing."""
        self.held = dict.fromkeys(Signal, 0.0)
        """The most that was held at once so far, and given back in an idle wait."""
        self.has_gone_far = False
        """Whether a far larger dose showed that memory goes on growing."""
        self.last_doubt = ""
        self.starts_anew = False
        """Whether the next block is like a first one, since what went before was disturbed by earlier load."""
        self.looking = Looking()
        self.listened_after: int | None = None
        """Blocks that there were when it listened."""
        self.is_restless = False
        self.grows_with_time = False
        """Whether rounds of equal length have to tell growth with time from growth by the request."""

    @property
    def may_suspect(self) -> bool:
        """Whether one more block may raise a suspicion; the first one did where the runtime proves leaks."""
        return len(self.blocks) < MAX_SUSPICIONS

    @property
    def has_listened(self) -> bool:
        """Whether it is known how levels move by themselves."""
        return self.listened_after is not None

    def ask(self, step: Step, kind: type[T]) -> Part[T]:
        """Have *step* carried out, and return its result."""
        result = yield step
        assert isinstance(result, kind), f"{step} was answered by {result}"
        self.schedule.elapsed_s = result.elapsed_s
        self.trace.add(result)
        return result

    def idle_share(self, dose: int) -> float:
        """Return the length of idle rounds in a block that confirms nothing, as a share of that of loaded ones.

        Short ones save time where the levels rest without load, and cost sharpness where they don't.
        """
        if self.is_restless or self.grows_with_time:
            return 1.0
        if self.starts_anew:
            return IDLE_SHARE
        last = self.blocks[-1]
        is_blur = is_proven_but_for_blur(last, self.thresholds) or would_blur(last, self.thresholds, dose=dose)
        return 1.0 if is_blur else IDLE_SHARE

    def run_block(
        self, dose: int, *, rounds: int = BLOCK_ROUNDS, idle_share: float = 1.0, is_growing: bool = False
    ) -> Part[Evidence]:
        """Run a block of about *dose* requests in each loaded round, or on average, and return what it shows."""
        doses, sizes = self.coin.rounds(dose, rounds=rounds, is_growing=is_growing)
        evidence = yield from self._measure(doses, sizes, idle_share=idle_share)
        self.blocks.append(evidence)
        self.starts_anew = False
        self.flat = 0
        self.grows_with_time |= rounds > FIRST_ROUNDS and grows_with_time(evidence, self.thresholds)
        return evidence

    def run_loads(self, requests: int) -> Part[Evidence]:
        """Send so many requests in as many loads as a block has, without idle rounds between them.

        The growth of what this returns is not randomised: it only tells what the loads add in all.
        """
        loads = BLOCK_ROUNDS // 2
        doses = (math.ceil(requests / loads),) * loads + (0,)
        return (yield from self._measure(doses, (), idle_share=IDLE_SHARE))

    def send(
        self, requests: int, *, loads: int = 1, load_s: float = math.inf, same_request: bool = False
    ) -> Part[BlockResult]:
        """Send so many requests, or as many as *load_s* is enough for, without idle rounds: that proves nothing."""
        doses = (math.ceil(requests / loads),) * loads
        result = yield from self.ask(Block(doses=doses, load_s=load_s, same_request=same_request), BlockResult)
        sent = sum(result.doses)
        self.schedule.block_done(sent, result)
        self.unseen.sent(sent, at_s=result.observations[-1].at_s)
        return result

    def prime(self, requests: int, *, loads: int = PRIMING_LOADS, load_s: float) -> Part[Priming]:
        """Send so many requests before the next block, which fill what is filled once.

        In a few loads: looks between them show where levels came to rest, and if a service turns slow the later ones
        are cut.
        """
        self.priming = priming = priming_of((yield from self.send(requests, loads=loads, load_s=load_s)))
        self.unseen.grew({signal: priming.per_request(signal) for signal in Signal})
        return priming

    def _measure(self, doses: tuple[int, ...], sizes: tuple[int, ...], *, idle_share: float) -> Part[Evidence]:
        """Run a block, and take in its time, its requests and what they may have left."""
        rounds, served = len(doses), self.schedule.served
        step = Block(
            doses=doses,
            sizes=sizes,
            idle_share=idle_share,
            looks=self.looking.looks,
            rate=self.schedule.rate,
            load_s=self.schedule.most_load_s(rounds=rounds, idle_share=idle_share),
            foreseen=self._foreseen(),
        )
        result = yield from self.ask(step, BlockResult)
        self.schedule.block_done(sum(result.doses), result, idle_share=idle_share)
        # Rounds that had to be cut are shorter than those before them.
        is_even = idle_share >= 1 and result.doses == doses
        evidence = judge_block(result.doses, result, served_before=served, is_even=is_even, priming=self.priming)
        self.priming = None
        if not self.blocks:
            self.unseen.sent(self.judged_from, at_s=evidence.start.at_s)
        self.unseen.sent(evidence.requests, at_s=evidence.end.at_s)
        self.unseen.grew({signal: evidence.gross(signal) for signal in Signal})
        return evidence

    def sharpened(self, block: Evidence) -> Evidence:
        """Return *block*, together with the one before it where that is needed and can help."""
        earlier = self.blocks[-2] if len(self.blocks) > 2 else None
        if earlier is None or not block.unproven(self.thresholds) or earlier.suspects(self.thresholds):
            return block
        return block.sharpened_by(earlier)

    def _foreseen(self) -> dict[Signal, float]:
        """Return the growth per request that the budget lets one see, by the noise of the latest block."""
        if not self.blocks or self.schedule.rate <= 0:
            return {}
        latest = self.blocks[-1]
        noise = {signal: spread(latest.idle_changes(signal)) for signal in Signal}
        conditions = Conditions(rate=self.schedule.rate, noise=noise, round_cost_s=self.schedule.round_cost_s)
        return dict(predict(self.plan, conditions).min_detectable)

    def wait_after(
        self, blocks: Sequence[Evidence], seconds: float, *, is_whole: bool = False, signals: Sequence[Signal]
    ) -> Drain:
        """Return the idle wait after *blocks*, for *signals*."""
        has_rested = self.unseen.has_rested(blocks[0].before.at_s)
        return wait_after(blocks, seconds, self.thresholds, signals=signals, is_whole=is_whole, has_rested=has_rested)

    def rest(
        self,
        blocks: Sequence[Evidence],
        seconds: float,
        *,
        is_whole: bool = False,
        heard: ListenResult | None = None,
        signals: Sequence[Signal] = tuple(Signal),
    ) -> Part[Rest]:
        """Wait idle for so long, or until all that *blocks* added to *signals* is gone, and return what is left.

        Unless the wait *is_whole* it also ends when half of it is gone and nothing more goes: that tells no leak, and
        what stays is for another cycle to tell. If what was *heard* since the blocks tells that, there is no wait.
        """
        first = blocks[0].before
        step = self.wait_after(blocks, seconds, is_whole=is_whole, signals=signals)
        if heard is not None and step.is_silent(heard.observations):
            drain = DrainResult(observations=heard.observations, elapsed_s=heard.elapsed_s)
            self.trace.add(drain)
        else:
            drain = yield from self.ask(step, DrainResult)
        # What expired meanwhile may be as old as the blocks and the wait are long together.
        since_s = 2 * first.at_s - drain.observations[-1].at_s
        backlog = self.unseen.backlog(first.at_s, since_s=since_s)
        unseen = self.unseen.at(first, since_s=since_s)
        rest = rest_after(blocks, drain, self.thresholds, settled_s=step.settled_s, backlog=backlog, unseen=unseen)
        self.unseen.waited(rest, since_s=since_s)
        return rest

    def outweighing(self, block: Evidence, signals: Iterable[Signal]) -> float:
        """Return the requests beside which what others left before *block* can hide no growth of *signals*.

        What this endpoint's own requests left shows: where *signals* drain, that went first, and the level comes to
        rest as much lower.
        """
        inherited = self.unseen.inherited(block.before.at_s)
        return max(inherited[signal] / self.thresholds.margin(signal) for signal in signals)

    @property
    def waited(self) -> list[Observation]:
        """The looks of the idle waits since the latest block."""
        rests = [rest for rest in self.unseen.rests if rest.blocks[-1] is self.blocks[-1]]
        return [look for rest in rests for look in rest.drain.observations]

    def background_drift(self) -> dict[Signal, float]:
        """Return the growth per second of the signals that grow without load."""
        return background_drift(self.blocks[1:], self.thresholds, waited=self.waited)

    def is_falling(self, block: Evidence, signals: Iterable[Signal]) -> bool:
        """Whether one of *signals* still fell when the wait after *block* was over."""
        return any(rest.falling(signals) for rest in self.unseen.rests if rest.blocks[-1] is block)

    def rested(self, rest: Rest) -> None:
        """Take in what the blocks before *rest* held at once."""
        self.held = {signal: max(most, rest.held(signal)) for signal, most in self.held.items()}

    def start_anew(self) -> None:
        """Take what was measured for disturbed, now that the levels are at rest."""
        self.last_doubt = wording.MAY_HIDE
        self.starts_anew = True

    def must_outlast(self, *, outweighed: Collection[Signal] = ()) -> int:
        """Return how many requests more must be flat before growth that was seen counts as levelled off.

        Buffers, slices and maps that grow by doubling are flat for as long as they have grown: they need a stretch
        twice as long, from their last step on, which may be too lonely to have made any block suspicious. Growth that
        showed in objects or goroutines is not of that kind. Nor is what more requests have *outweighed* than all that
        is alive allows to leak.
        """
        must = max(0, must_outlast(self.blocks, self.thresholds, outweighed=outweighed) - self.flat)
        if Signal.HEAP_BYTES in outweighed or Signal.HEAP_BYTES in self.background_drift():
            return must
        reached = bytes_alone_reached(self.trace.points[1:], self.thresholds)
        return max(must, 3 * reached - self.schedule.served) if reached else must

    def estimates(self, block: Evidence, *, leaking: Iterable[Signal] = ()) -> dict[Signal, SignalEstimate]:
        """Return the figures of *block* for the report, those in *leaking* as leaks."""
        unbounded = block.unbounded(self.thresholds)
        outcomes = dict.fromkeys(leaking, Outcome.LEAK)
        return {
            signal: block.estimate(
                signal,
                outcomes.get(signal, Outcome.INCONCLUSIVE if signal in unbounded else Outcome.CLEAN),
                self.thresholds,
            )
            for signal in Signal
        }

    def verdict(
        self,
        outcome: Outcome,
        reason: str,
        block: Evidence,
        *,
        growth_class: GrowthClass,
        estimates: dict[Signal, SignalEstimate] | None = None,
    ) -> Verdict:
        """Return a verdict with all that is known so far; the figures are those of *block* unless given."""
        signals = estimates if estimates is not None else self.estimates(block)
        return Verdict(
            outcome=outcome,
            reason=reason,
            signals=signals,
            most_left=self._most_left(signals) if outcome is Outcome.CLEAN else {},
            requests=self.schedule.served,
            judged_requests=self.schedule.served - self.judged_from,
            alpha=ALPHA,
            drained_in_s=self.drained_in_s,
            levelled_after=self.levelled_after,
            background_per_s=self.background_drift(),
            growth_class=growth_class,
            series=self.trace.points,
        )

    def _most_left(self, bounds: Mapping[Signal, SignalEstimate]) -> dict[Signal, float]:
        """Return the most that this endpoint's requests leave: by *bounds*, and what only the first of them added."""
        if not self.past:
            return {}  # nobody looked before the first request
        before, after = self.past[-1].looks[-1], self.trace.points[-1]
        return {
            signal: max(0.0, bound.high * self.schedule.served) + max(0, after.level(signal) - before.level(signal))
            for signal, bound in bounds.items()
        }
