"""The sequential experiment on one endpoint: which step comes next, and when the verdict is certain.

Pure: it yields steps and is sent their results (see :mod:`pytest_goleak.model.step`), so the same code runs against
a real service and, thousands of times, against simulated ones. The argument is in docs/explanation/verdict.md.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import pairwise
from typing import TypeVar

from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.report import Outcome, SignalEstimate, Verdict
from pytest_goleak.model.step import (
    Block,
    BlockResult,
    Conversation,
    Drain,
    DrainResult,
    Proof,
    ProofResult,
    Snapshot,
    SnapshotResult,
    Step,
    StepResult,
    WarmUp,
    WarmUpResult,
)
from pytest_goleak.model.units import format_seconds
from pytest_goleak.stats import wording
from pytest_goleak.stats.design import ALPHA, BLOCK_ROUNDS, FIRST_ROUNDS, MAX_SUSPICIONS, Coin, Thresholds
from pytest_goleak.stats.evidence import Evidence, Retention, background_drift, judge_block
from pytest_goleak.stats.schedule import Schedule

__all__ = ["experiment"]

NOISY_LOOKS = 6
"""Looks per level once a block was too noisy: their mean has less of the noise that changes from look to look."""

T = TypeVar("T")
_Part = Generator[Step, StepResult, T]


def experiment(plan: MeasurePlan, *, sample_bytes: int = 0, name: str = "") -> Conversation:
    """Return the experiment on one endpoint.

    Args:
        plan: budget, idle wait, tolerance and seed.
        sample_bytes: mean bytes between two samples of the service's heap profile; after a leak is certain, load goes
            on until the profile has samples enough to name the site. 0 if the profile is exact.
        name: of the endpoint; each gets a coin of its own from the one seed.

    """
    trial = _Trial(plan, sample_bytes, Coin(f"{plan.seed}/{name}"))
    try:
        return (yield from trial.conduct())
    except GoleakError as failure:
        return trial.judge_interrupted(failure)


class _Trial:
    def __init__(self, plan: MeasurePlan, sample_bytes: int, coin: Coin) -> None:
        self.plan = plan
        self.sample_bytes = sample_bytes
        self.coin = coin
        self.thresholds = Thresholds(plan.tolerance)
        self.schedule = Schedule(budget_s=plan.budget_s, idle_s=plan.wait_s)
        self.blocks: list[Evidence] = []
        self.judged_from = 0
        self.proven_at_start: int | None = None
        self.drained_in_s: float | None = None
        self.levelled_after: int | None = None
        self.last_doubt = ""
        self.looks = 1

    # --- the protocol, top to bottom -------------------------------------------------------------------------------

    def conduct(self) -> _Part[Verdict]:
        warm = yield from self._ask(WarmUp(seconds=0.4, max_requests=1000), WarmUpResult)
        self.schedule.warmed_up(requests=warm.requests, rate=warm.rate, elapsed_s=warm.elapsed_s)
        proof = yield from self._ask(Proof(), ProofResult)
        self.proven_at_start = proof.leaked
        yield from self._ask(Snapshot(name="before"), SnapshotResult)
        self.judged_from = self.schedule.served
        # The first block takes up once-only growth, and scales the doses. It is never judged alone, so it is short;
        # unless the runtime can prove goroutines leaked: then it is where proof begins.
        rounds = FIRST_ROUNDS if proof.leaked is None else BLOCK_ROUNDS
        first = yield from self._run_block(self.schedule.first_dose(), rounds=rounds)
        if (verdict := (yield from self._prove(first, first))) is not None:
            return verdict
        dose: int | None = self.schedule.second_dose(first, self.thresholds)
        for _ in range(MAX_SUSPICIONS):
            if dose is None:
                break
            block = yield from self._run_block(dose)
            suspects = block.suspects(self.thresholds)
            if suspects:
                verdict = yield from self._follow_up(block, suspects)
            elif (verdict := self._clean_if_proven(block)) is None and block.unproven(self.thresholds):
                verdict = yield from self._look_for_drain(block)
            if verdict is not None:
                return verdict
            last = self.blocks[-1]
            dose = self.schedule.larger_dose(last, self.thresholds, must_outlast=self._must_outlast())
            # More requests tell more than more looks do; looks are for when the time allows no more requests.
            is_stuck = dose is not None and dose < 2 * last.dose and bool(last.unproven(self.thresholds))
            self.looks = NOISY_LOOKS if is_stuck else 1
        return self._inconclusive()

    def _follow_up(self, block: Evidence, suspects: tuple[Signal, ...]) -> _Part[Verdict | None]:
        """Repeat the suspicious block at equal dose; if growth goes on, wait idle and see what stays.

        Returns ``None`` when nothing is proven yet; the experiment goes on with a larger dose.
        """
        growth = wording.growth(self._estimates(block), suspects)
        if not self.schedule.is_enough() and self.schedule.can_confirm_larger(block, self.thresholds):
            self.last_doubt = f"{growth}, which a cache that fills does as well"
            return None
        if not self.schedule.has_time_to_confirm(block):
            self.last_doubt = f"{growth}, but the budget left no time to repeat that and to wait idle"
            return None
        if len(self.blocks) > 2 and block.fades_from(self.blocks[-2], suspects):
            self.last_doubt = f"{growth}, and less from block to block"
            return None
        repeat = yield from self._run_block(block.dose)
        confirmed = [signal for signal in suspects if repeat.repeats(block, signal)]
        unproven = repeat.unproven(self.thresholds)
        if not confirmed and repeat.fades_from(block, suspects) and not set(suspects) & set(unproven):
            self.levelled_after = block.served_before + block.requests
            return self._clean_if_proven(repeat)
        if confirmed and (verdict := (yield from self._prove(repeat, block))) is not None:
            return verdict
        # What the first of the two blocks added is as old as the second is long: that counts as waiting.
        aged = min(repeat.end.at_s - block.end.at_s, self.plan.wait_s / 2)
        drain = yield from self._drain([block, repeat], self.plan.wait_s - aged)
        retained = self._retained([block, repeat], drain)
        leaking = [signal for signal in confirmed if retained[signal].stays]
        if leaking and not retained[Signal.GOROUTINES].has_fallen:
            waited = drain.observations[-1].at_s - block.end.at_s
            return (yield from self._leak(repeat, leaking, f"still there {format_seconds(waited)} later"))
        if not self._is_drained(retained, suspects):
            drain = yield from self._drain([block, repeat], aged)
            retained = self._retained([block, repeat], drain)
        if self._is_drained(retained, suspects):
            return self._clean_after_drain(repeat, retained, suspects, drain, "is back to where it was")
        return (yield from self._second_cycle(block, repeat, retained, suspects, confirmed))

    def _look_for_drain(self, block: Evidence) -> _Part[Verdict | None]:
        """See whether the noise of *block* was its own work, still going on: then an idle wait ends it."""
        unproven = block.unproven(self.thresholds)
        if not self.schedule.has_time_to_wait() or not any(block.has_fallen(s, self.thresholds) for s in unproven):
            return None
        drain = yield from self._drain([block], self.plan.wait_s)
        retained = self._retained([block], drain)
        if not self._is_drained(retained, unproven):
            return None
        return self._clean_after_drain(block, retained, unproven, drain, "is back to where it was")

    def _second_cycle(
        self,
        block: Evidence,
        repeat: Evidence,
        retained: dict[Signal, Retention],
        suspects: tuple[Signal, ...],
        confirmed: list[Signal],
    ) -> _Part[Verdict | None]:
        """Load and drain again: what follows the highest peak so far does not grow a second time, a leak does."""
        if not self.schedule.has_time_to_confirm(repeat):
            wait = format_seconds(3 * self.plan.wait_s)
            self.last_doubt = (
                f"part of the growth went away within the idle wait; a budget and idle = '{wait}' would tell"
            )
            return None
        again = yield from self._run_block(repeat.dose)
        drain = yield from self._drain([again], self.plan.wait_s)
        kept = self._retained([again], drain)
        before = block.requests + repeat.requests
        leaking = [
            signal
            for signal in suspects
            if (signal in confirmed or again.repeats_with(repeat, signal))
            and kept[signal].kept > max(kept[signal].floor, self.thresholds.alarm(signal) * again.requests)
            and kept[signal].kept / again.requests >= 0.5 * retained[signal].kept / before
            and not kept[signal].is_falling
        ]
        if leaking:
            net = {signal: kept[signal].kept / again.requests for signal in leaking}
            return (yield from self._leak(again, leaking, "stays after every idle wait", net=net))
        if self._is_drained(kept, suspects):
            return self._clean_after_drain(again, kept, suspects, drain, "a second cycle of load and rest adds nothing")
        self.last_doubt = (
            f"still draining after {format_seconds(self.plan.wait_s)} idle; a longer 'idle' would tell"
            if any(kept[signal].is_falling for signal in suspects)
            else f"{wording.growth(self._estimates(again), suspects)}, and neither stays nor goes for certain"
        )
        return None

    def _prove(self, repeat: Evidence, block: Evidence) -> _Part[Verdict | None]:
        """Return the verdict if the runtime proves that the goroutines which *repeat* added can never end."""
        if self.proven_at_start is None or Signal.GOROUTINES not in repeat.suspects(self.thresholds):
            return None
        proof = yield from self._ask(Proof(), ProofResult)
        proven = (proof.leaked or 0) - self.proven_at_start
        grown = repeat.end.goroutines - self.blocks[0].start.goroutines
        if proven < 0.9 * grown:
            return None
        if repeat is block:
            repeat = yield from self._run_block(block.dose)
        if not repeat.repeats(block, Signal.GOROUTINES):
            return None
        others = [
            s for s in repeat.suspects(self.thresholds) if s is not Signal.GOROUTINES and repeat.repeats(block, s)
        ]
        return (
            yield from self._leak(
                repeat, [*others, Signal.GOROUTINES], f"the runtime proves {proven:,} goroutines leaked"
            )
        )

    def _leak(
        self, last: Evidence, signals: Iterable[Signal], why: str, *, net: dict[Signal, float] | None = None
    ) -> _Part[Verdict]:
        yield from self._feed_profile(last)
        yield from self._ask(Snapshot(name="after"), SnapshotResult)
        signals = list(signals)
        estimates = self._estimates(last, leaking=signals)
        for signal, kept in (net or {}).items():
            estimates[signal] = _scaled(estimates[signal], kept)
        reason = (
            f"{wording.growth(estimates, signals)}; repeated in a second randomised experiment "
            f"({last.requests:,} requests, p = {last.growth[signals[0]].p_value:.2g}); {why}"
        )
        return self._verdict(Outcome.LEAK, reason, last, estimates=estimates)

    def _feed_profile(self, last: Evidence) -> _Part[None]:
        """Send more load while the sampled heap profile has too few samples of the leak to name its site."""
        rate = last.growth[Signal.HEAP_BYTES].low
        judged = self.schedule.served - self.judged_from
        if self.sample_bytes <= 1 or rate < self.thresholds.alarm(Signal.HEAP_BYTES):
            return
        missing = int(16 * self.sample_bytes / rate) - judged
        requests = self.schedule.affordable(missing, last)
        if requests > 0:
            result = yield from self._ask(Block(doses=(requests,)), BlockResult)
            self.schedule.block_done(requests, result)

    # --- steps -----------------------------------------------------------------------------------------------------

    def _ask(self, step: Step, kind: type[T]) -> _Part[T]:
        result = yield step
        assert isinstance(result, kind), f"{step} was answered by {result}"
        self.schedule.elapsed_s = result.elapsed_s
        return result

    def _run_block(self, dose: int, *, rounds: int = BLOCK_ROUNDS) -> _Part[Evidence]:
        doses = self.coin.doses(dose, rounds=rounds)
        served = self.schedule.served
        result = yield from self._ask(Block(doses=doses, looks=self.looks), BlockResult)
        self.schedule.block_done(sum(doses), result)
        evidence = judge_block(doses, result, served_before=served)
        self.blocks.append(evidence)
        return evidence

    def _drain(self, blocks: list[Evidence], seconds: float) -> _Part[DrainResult]:
        first, last = blocks[0].start, blocks[-1].end
        requests = sum(block.requests for block in blocks)

        def target(signal: Signal) -> float:
            start = first.level(signal)
            # Waiting on pays until what is left is well within the tolerance, and within what counts as gone.
            rest = min(0.05 * (last.level(signal) - start), 0.4 * self.thresholds.margin(signal) * requests)
            return start + max(self.thresholds.floor(signal) / 2, rest)

        step = Drain(
            seconds=seconds,
            until_bytes=target(Signal.HEAP_BYTES),
            until_objects=target(Signal.HEAP_OBJECTS),
            until_goroutines=target(Signal.GOROUTINES),
        )
        return (yield from self._ask(step, DrainResult))

    def _retained(self, blocks: list[Evidence], drain: DrainResult) -> dict[Signal, Retention]:
        return {signal: self._retention(blocks, drain, signal) for signal in Signal}

    def _retention(self, blocks: list[Evidence], drain: DrainResult, signal: Signal) -> Retention:
        first, last, after = blocks[0], blocks[-1], drain.observations[-1]
        start = first.start.level(signal)
        drift = background_drift(blocks, self.thresholds).get(signal, 0.0)
        return Retention(
            grown=last.end.level(signal) - start - drift * (last.end.at_s - first.start.at_s),
            kept=after.level(signal) - start - drift * (after.at_s - first.start.at_s),
            expected=sum(block.growth[signal].per_request * block.requests for block in blocks),
            requests=sum(block.requests for block in blocks),
            floor=max(self.thresholds.floor(signal), *(block.noise(signal) for block in blocks)),
            series=tuple(observation.level(signal) - start for observation in drain.observations),
        )

    # --- judgements ------------------------------------------------------------------------------------------------

    def _clean_if_proven(self, block: Evidence) -> Verdict | None:
        unproven = block.unproven(self.thresholds)
        hints = [signal for signal in block.hints(self.thresholds) if signal not in block.suspects(self.thresholds)]
        if unproven:
            self.last_doubt = self._noise_reason(block, unproven)
        elif hints:
            self.last_doubt = f"{wording.growth(self._estimates(block), hints)}, too little in all to be certain"
        elif not self.schedule.is_enough() or block.requests < self._must_outlast():
            self.last_doubt = "growth stopped only just now"
        else:
            return self._verdict(Outcome.CLEAN, self._clean_reason(block), block)
        return None

    def _is_drained(self, retained: dict[Signal, Retention], signals: Iterable[Signal]) -> bool:
        """Whether all of *signals* went away, and for good: a level that comes and goes has not drained."""
        return all(
            retained[signal].is_gone
            and retained[signal].rate < self.thresholds.margin(signal)
            and retained[signal].rise <= self.thresholds.margin(signal)
            for signal in signals
        )

    def _clean_after_drain(
        self,
        last: Evidence,
        retained: dict[Signal, Retention],
        suspects: Iterable[Signal],
        drain: DrainResult,
        what: str,
    ) -> Verdict | None:
        """Return ``clean`` if every signal is bounded, by the randomised rounds or by what the idle wait left of it."""
        bounded = {signal for signal in Signal if self._is_drained(retained, [signal])}
        unproven = [signal for signal in last.unproven(self.thresholds) if signal not in bounded]
        if unproven:
            self.last_doubt = self._noise_reason(last, unproven)
            return None
        self.drained_in_s = drain.observations[-1].at_s - last.end.at_s
        grown = wording.growth(self._estimates(last), suspects)
        reason = f"{grown} under load; {format_seconds(self.drained_in_s)} later {what}"
        estimates = self._estimates(last) | {
            signal: retained[signal].estimate(last.growth[signal].p_value, self.thresholds.margin(signal))
            for signal in bounded
        }
        return self._verdict(Outcome.CLEAN, reason, last, estimates=estimates)

    def _must_outlast(self) -> int:
        """Return how many requests a flat stretch needs before growth that was seen counts as levelled off.

        Buffers, slices and maps that grow by doubling are flat for as long as they have grown: they need a stretch
        twice as long. Growth that showed in objects or goroutines is not of that kind.
        """
        grown = [block for block in self.blocks[1:] if block.suspects(self.thresholds)]
        if not grown:
            return 0
        doubling = grown[-1].suspects(self.thresholds) == (Signal.HEAP_BYTES,)
        return int((2.0 if doubling else 0.75) * (grown[-1].served_before + grown[-1].requests))

    def judge_interrupted(self, failure: GoleakError) -> Verdict:
        """Judge what was measured until the service stopped answering; raise *failure* if that proves nothing."""
        blocks = self.blocks[1:]
        for earlier, later in pairwise(blocks):
            repeated = [
                signal
                for signal in earlier.suspects(self.thresholds)
                if later.repeats(earlier, signal)
                # What fell meanwhile was draining; without the idle wait nobody knows how far it would have gone.
                and not any(block.has_fallen(signal, self.thresholds) for block in (earlier, later))
            ]
            if repeated:
                estimates = self._estimates(later, leaking=repeated)
                reason = f"{wording.growth(estimates, repeated)}; then the service stopped answering: {failure}"
                return self._verdict(Outcome.LEAK, reason, later, estimates=estimates)
        raise failure

    # --- words and figures -----------------------------------------------------------------------------------------

    def _verdict(
        self, outcome: Outcome, reason: str, block: Evidence, *, estimates: dict[Signal, SignalEstimate] | None = None
    ) -> Verdict:
        return Verdict(
            outcome=outcome,
            reason=reason,
            signals=estimates if estimates is not None else self._estimates(block),
            requests=self.schedule.served,
            judged_requests=self.schedule.served - self.judged_from,
            alpha=ALPHA,
            drained_in_s=self.drained_in_s,
            levelled_after=self.levelled_after,
            background_per_s=background_drift(self.blocks[1:], self.thresholds),
        )

    def _estimates(self, block: Evidence, *, leaking: Iterable[Signal] = ()) -> dict[Signal, SignalEstimate]:
        unproven = block.unproven(self.thresholds)
        outcomes = dict.fromkeys(leaking, Outcome.LEAK)
        return {
            signal: block.estimate(
                signal,
                outcomes.get(signal, Outcome.INCONCLUSIVE if signal in unproven else Outcome.CLEAN),
                self.thresholds,
            )
            for signal in Signal
        }

    def _inconclusive(self) -> Verdict:
        block = self.blocks[-1]
        remedy = "A larger budget, a larger tolerance or a quieter service would decide it."
        reason = f"cannot decide within {format_seconds(self.plan.budget_s)}: {self.last_doubt}. {remedy}"
        return self._verdict(Outcome.INCONCLUSIVE, reason, block)

    def _clean_reason(self, block: Evidence) -> str:
        levelled = f", levelled off after {self.levelled_after:,} requests" if self.levelled_after else ""
        return f"grows {wording.bounds(self._estimates(block))}{levelled}, over {self.schedule.served:,} requests"

    def _noise_reason(self, block: Evidence, signals: Iterable[Signal]) -> str:
        signal = next(iter(signals))
        high, margin = block.growth[signal].high, self.thresholds.margin(signal)
        return (
            f"with {BLOCK_ROUNDS} rounds of {block.dose:,} requests, growth of up to "
            f"{wording.amount(signal, high)} per request can't be excluded; the tolerance is "
            f"{wording.amount(signal, margin)}"
        )


def _scaled(estimate: SignalEstimate, per_request: float) -> SignalEstimate:
    """Return *estimate* with its centre moved to what stayed, and its interval with it."""
    shift = per_request - estimate.per_request
    return SignalEstimate(
        per_request=per_request,
        low=estimate.low + shift,
        high=estimate.high + shift,
        p_value=estimate.p_value,
        min_detectable=estimate.min_detectable,
        outcome=estimate.outcome,
    )
