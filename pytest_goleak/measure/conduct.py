"""Carry out an experiment: answer each of its steps with what the service really did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_goleak.measure.pace import Pace
from pytest_goleak.measure.settle import (
    SLOW_COLLECTION_S,
    Patience,
    are_equal,
    check_same_process,
    listen,
    look_again,
    settle,
)
from pytest_goleak.measure.stream import Stream
from pytest_goleak.model.errors import GoleakError, LoadDriverError
from pytest_goleak.model.looks import ONE_LOOK, Looks
from pytest_goleak.model.measured import Measured
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.protocols import Clock, Progress, ProgressListener, Source
from pytest_goleak.model.report import Verdict
from pytest_goleak.model.step import (
    Block,
    BlockResult,
    Conversation,
    Drain,
    DrainResult,
    Listen,
    ListenResult,
    Proof,
    ProofResult,
    Snapshot,
    SnapshotResult,
    Step,
    StepResult,
    WarmUp,
    WarmUpResult,
)

__all__ = ["DRAIN_POLL_S", "Bench", "conduct"]

DRAIN_POLL_S = 0.1
"""Pause between two looks of an idle wait, or three times what a look takes, if that is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything the measurement of one endpoint needs, as protocols."""

    stream: Stream
    source: Source
    clock: Clock
    take_snapshot: Callable[[str], None]
    """Keeps the profiles of the moment under the given name."""
    listen: ProgressListener = lambda _: None
    budget_s: float = 30.0
    past: list[Measured] = field(default_factory=list)
    """Earlier measurements of the process; this one adds itself."""


def conduct(conversation: Conversation, bench: Bench) -> Verdict:
    """Drive *conversation* to its verdict.

    Errors of a step go into the conversation, which may still have a verdict on what was measured before.

    Raises:
        GoleakError: a step failed, and nothing is proven yet.

    """
    measurement = _Measurement(bench)
    most_left: Mapping[Signal, float] = {}
    try:
        step = next(conversation)
        while True:
            try:
                result = measurement.perform(step)
            except GoleakError as failure:
                step = conversation.throw(failure)
            else:
                step = conversation.send(result)
    except StopIteration as end:
        verdict: Verdict = end.value
        most_left = verdict.most_left
        return verdict
    finally:
        if measurement.seen:
            bench.past.append(Measured(looks=tuple(measurement.seen), most_left=most_left))


class _Measurement:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.started = bench.clock.now()
        self.seen: list[Observation] = []
        self.blocks = 0
        self.pace = Pace()
        self.patience = Patience()
        self.has_grown = False
        """Whether levels were others after the latest load."""
        self.foreseen: Mapping[Signal, float] = {}

    def perform(self, step: Step) -> StepResult:
        match step:
            case WarmUp():
                return self._warm_up(step)
            case Block():
                return self._block(step)
            case Listen():
                return self._listen(step)
            case Drain():
                return self._drain(step)
            case Proof():
                self._tell("looking for proof")
                return ProofResult(leaked=self.bench.source.proven_leaks(), elapsed_s=self._elapsed())
            case Snapshot():
                self._tell("capturing profiles")
                self.bench.take_snapshot(step.name)
                return SnapshotResult(elapsed_s=self._elapsed())

    # --- steps -----------------------------------------------------------------------------------------------------

    def _warm_up(self, step: WarmUp) -> WarmUpResult:
        if not self.bench.past:
            self._observe_once()  # what the warm-up leaves for a while is then known to the next measurements
        stream, sent, largest, rate = self.bench.stream, 0, 0, 0.0
        deadline = self.bench.clock.now() + step.seconds
        chunk = max(8, stream.concurrency)
        while True:
            self._tell("warm-up", requests=sent)
            sent += chunk  # those that fail may leave something as well
            try:
                result = self._send(chunk, "warm-up")
            except LoadDriverError:
                if not stream.lower_concurrency():
                    raise
                chunk = stream.concurrency
                continue
            if chunk >= largest:  # the last one may be too small for all connections
                largest, rate = chunk, result.rate
            # Slow endpoints may need longer than the warm-up, and more requests, to find their number of connections.
            if stream.raise_concurrency(result):
                chunk = stream.concurrency
                deadline = max(deadline, self.bench.clock.now() + result.duration_s)
                continue
            if self.bench.clock.now() >= deadline or sent >= step.max_requests:
                break
            chunk = min(2 * chunk, max(stream.concurrency, int(result.rate * (deadline - self.bench.clock.now()))))
            chunk = max(1, min(chunk, step.max_requests - sent))
        return WarmUpResult(
            requests=sent,
            rate=rate,
            connections=stream.concurrency,
            observation=self._observe(),
            elapsed_s=self._elapsed(),
        )

    def _block(self, step: Block) -> BlockResult:
        self.blocks += 1
        self.patience.begin_block()
        self.foreseen = step.foreseen
        observations = [self._fresh() or self._first_of(step)]
        loads: list[LoadResult | None] = []
        for index, dose in enumerate(step.doses):
            stage = f"block {self.blocks}"
            place = {"round": index + 1, "rounds": len(step.doses)}
            self._tell(stage, **place)
            size = step.size(index, loads)
            if dose:
                load = self._send(size, stage, same_request=step.same_request, **place)
                loads.append(load)
                observations.append(self._observe(step.looks))
                self.pace.loaded(observations[-1].at_s - observations[-2].at_s, load.duration_s)
            else:
                pause_s = self.pace.pause_s(_load_s(size, loads, expected=step.rate), share=step.idle_share)
                self.bench.clock.sleep(pause_s)
                loads.append(None)
                observations.append(self._observe(step.looks, is_loaded=False))
                self.pace.idle(observations[-1].at_s - observations[-2].at_s, pause_s)
        return BlockResult(observations=tuple(observations), loads=tuple(loads), elapsed_s=self._elapsed())

    def _listen(self, step: Listen) -> ListenResult:
        self._tell("listening to the noise")
        observations = listen(self.bench.source, self.bench.clock, seconds=step.seconds)
        for observation in observations:
            self._checked(observation)
        return ListenResult(observations=tuple(observations), elapsed_s=self._elapsed())

    def _drain(self, step: Drain) -> DrainResult:
        clock = self.bench.clock
        observations = [self._observe_once()]
        ends_s = clock.now() + step.seconds
        while not step.is_over(observations, is_late=clock.now() >= ends_s):
            left_s = max(0.0, ends_s - clock.now())
            self._tell("idle, waiting for memory to drain", seconds_left=left_s)
            pause_s = max(DRAIN_POLL_S, 3 * observations[-1].cost_s)
            clock.sleep(min(pause_s, left_s or pause_s))
            observations.append(self._observe_once())
        return DrainResult(observations=tuple(observations), elapsed_s=self._elapsed())

    # --- their parts -----------------------------------------------------------------------------------------------

    def _send(self, requests: int, stage: str, *, same_request: bool = False, **place: int) -> LoadResult:
        sent = self.bench.stream.sent

        def on_progress(done: int) -> None:
            self._tell(stage, requests=sent + done, **place)

        # Twice the whole budget: a dose that takes longer has hung, and its shortfall says so.
        deadline_s = max(2 * self.bench.budget_s, 2 * self.bench.stream.timeout_s)
        return self.bench.stream.send(
            requests, deadline_s=deadline_s, same_request=same_request, on_progress=on_progress
        )

    def _first_of(self, step: Block) -> Observation:
        """Return the levels before the first round: a look without load, and as long as those of idle rounds."""
        began_s = self.bench.clock.now()
        observation = self._observe(step.looks, is_loaded=False)
        self.pace.idle(observation.at_s - began_s, pause_s=0.0)
        return observation

    def _fresh(self) -> Observation | None:
        """Return the levels of a moment ago, where reading them again would take long."""
        last = self.seen[-1] if self.seen else None
        if last is None or last.cost_s < SLOW_COLLECTION_S or self.bench.clock.now() - last.at_s > last.cost_s / 4:
            return None
        return last

    def _observe(self, looks: Looks = ONE_LOOK, *, is_loaded: bool = True) -> Observation:
        """Return the levels.

        Where no request came since the last ones, one collection shows that they rest. Two do after load; but where
        the load before added something, so will this one, and the first of them is read as well, to compare. Where
        that would take long, levels are not read twice.
        """
        last = self.seen[-1] if self.seen else None
        source, clock = self.bench.source, self.bench.clock
        has_grown = is_loaded and self.has_grown and last is not None and last.cost_s < SLOW_COLLECTION_S / 2
        first = settle(
            source,
            clock,
            collections=2 if is_loaded and not has_grown else 1,
            before=None if has_grown else last,
            patience=self.patience,
        )
        observation = look_again(source, clock, looks, first=first)
        if is_loaded:
            self.has_grown = last is not None and not are_equal(last, observation)
        return self._checked(observation)

    def _observe_once(self) -> Observation:
        return self._checked(self.bench.source.observe(collections=1))

    def _checked(self, observation: Observation) -> Observation:
        if self.seen:
            check_same_process(self.seen[-1], observation)
        self.seen.append(observation)
        return observation

    def _elapsed(self) -> float:
        return self.bench.clock.now() - self.started

    def _tell(
        self, stage: str, *, requests: int | None = None, seconds_left: float | None = None, **place: int
    ) -> None:
        left = self.bench.budget_s - self._elapsed() if seconds_left is None else seconds_left
        self.bench.listen(
            Progress(
                endpoint=self.bench.stream.name,
                stage=stage,
                requests=self.bench.stream.sent if requests is None else requests,
                seconds_left=max(0.0, left),
                foreseen=self.foreseen,
                **place,
            )
        )


def _load_s(size: int, loads: list[LoadResult | None], *, expected: float) -> float:
    """Return how long *size* requests would take: at the rate of *loads*, before the first at the *expected* one."""
    done = [load for load in loads if load]
    rate = sum(load.completed for load in done) / sum(load.duration_s for load in done) if done else expected
    return size / rate if rate else 0.0
