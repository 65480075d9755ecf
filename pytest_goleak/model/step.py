"""The conversation between the experiment, which decides, and the measurement, which waits and acts.

The experiment yields a step; the measurement carries it out and sends the result back.
Neither imports the other: the one is pure and can be simulated, the other has the clock.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_goleak.model.looks import ONE_LOOK, Looks
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.report import Verdict

__all__ = [
    "AGREEING_LOOKS",
    "AGREEING_S",
    "SILENCE_S",
    "Block",
    "BlockResult",
    "Conversation",
    "Drain",
    "DrainResult",
    "Listen",
    "ListenResult",
    "Proof",
    "ProofResult",
    "Snapshot",
    "SnapshotResult",
    "Step",
    "StepResult",
    "WarmUp",
    "WarmUpResult",
    "are_at_rest",
]


AGREEING_LOOKS = 3
AGREEING_S = 0.4
"""Looks in a row that end a drain early, and the time that lies between the first of them and the last."""

SILENCE_S = 0.5
"""Rest after which there is nothing more to listen to."""


def are_at_rest(
    looks: Sequence[Observation], seconds: float, *, until: Mapping[Signal, float], rest: Mapping[Signal, float]
) -> bool:
    """Whether all levels were at or below *until* for so long, and moved by no more than *rest*; never if it is empty.

    The last look before that time counts as well, so that no leap between two looks is missed.
    """
    since_s = looks[-1].at_s - seconds
    before = sum(1 for look in looks if look.at_s <= since_s)
    if not before or not until:
        return False
    for signal, most in until.items():
        levels = [look.level(signal) for look in looks[before - 1 :]]
        if max(levels) > most or max(levels) - min(levels) > rest.get(signal, math.inf):
            return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """Send the endpoint's requests, unjudged, until caches, pools and maps have their first size."""

    seconds: float
    max_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpResult:
    """What the warm-up taught about the service."""

    requests: int
    rate: float
    """Requests per second that the service answers."""
    connections: int = 1
    """Connections that requests are sent on."""
    observation: Observation
    elapsed_s: float
    """Seconds since the experiment began, here and in the other results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rounds of load and idleness, in the order that the coin gave."""

    doses: tuple[int, ...]
    """Requests per round; 0 is an idle round."""
    sizes: tuple[int, ...] = ()
    """Requests that each round would get if it were loaded: idle ones last as long as those would take. Where it is
    empty, all idle rounds last as long as the mean of the loaded ones."""
    idle_share: float = 1.0
    """How long idle rounds last, as a share of the time that their load would take."""
    looks: Looks = ONE_LOOK
    """How each level is read."""
    rate: float = 0.0
    """Requests per second that are expected, until a round of this block shows how many there are."""
    same_request: bool = False
    """Whether all requests are the same one, placeholders filled in once."""
    load_s: float = math.inf
    """Time that all load together may take: where requests turn out to be slower than planned, later rounds are cut."""
    foreseen: Mapping[Signal, float] = field(default_factory=dict)
    """Smallest growth per request that the budget is expected to let one see, for whoever watches."""

    def size(self, index: int, loads: Sequence[LoadResult | None]) -> int:
        """Return the requests of round *index* after *loads*: those it gets, or would get if it were loaded."""
        loaded = [dose for dose in self.doses if dose]
        planned = self.sizes[index] if self.sizes else self.doses[index] or round(sum(loaded) / len(loaded))
        done = [load for load in loads if load]
        if not done or not done[-1].duration_s or math.isinf(self.load_s):
            return planned
        left = sum(1 for dose in self.doses[index:] if dose)
        left_s = max(0.0, self.load_s - sum(load.duration_s for load in done))
        affordable = int(done[-1].rate * left_s / left) if left else done[-1].planned
        return max(1, min(planned, affordable))


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """The levels before the first round and after each one."""

    observations: tuple[Observation, ...]
    """One more than there were rounds."""
    loads: tuple[LoadResult | None, ...]
    """Per round; ``None`` for idle ones."""
    elapsed_s: float

    @property
    def doses(self) -> tuple[int, ...]:
        """Requests that each round got."""
        return tuple(load.planned if load else 0 for load in self.loads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Look again and again without doing anything else, to learn how the levels move by themselves."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenResult:
    """The levels seen while listening, in order of time."""

    observations: tuple[Observation, ...]
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Wait idle, looking now and then, until the levels are back or the time is over."""

    seconds: float
    """Longest time between the first look and the last, but for one or two that agree on what came back in the end."""
    until: Mapping[Signal, float]
    """Stop early when the latest looks, for *agreeing_s*, agree that all levels are at or below these."""
    rest: Mapping[Signal, float] = field(default_factory=dict)
    """Largest fall over these looks that counts as none: what still falls is not over. Unlimited where it is not given.
    """
    mostly: Mapping[Signal, float] = field(default_factory=dict)
    """Stop early as well when all levels are at or below these and have been at rest for *settled_s*: much is gone, and
    nothing more goes."""
    settled_s: float = math.inf
    agreeing_s: float = AGREEING_S
    """Time for which looks have to agree at least."""

    def is_over(self, looks: Sequence[Observation], *, is_late: bool = False) -> bool:
        """Whether *looks* so far tell all that a longer wait would, or, if it *is_late*, all that there is time for."""
        return self._is_back(looks) or self._is_settled(looks) or (is_late and not self._has_just_come(looks))

    def is_silent(self, looks: Sequence[Observation]) -> bool:
        """Whether *looks* that came before the wait tell all that it would: all or most was back, and nothing moved."""
        return are_at_rest(looks, SILENCE_S, until=self.until, rest=self.rest) or self._is_settled(looks)

    def _has_just_come(self, looks: Sequence[Observation]) -> bool:
        """Whether the last look is the first one or two that found everything back: others have to agree yet."""
        back = [all(look.level(signal) <= most for signal, most in self.until.items()) for look in looks]
        return back[-1] and (len(back) < AGREEING_LOOKS or not all(back[-AGREEING_LOOKS:]))

    def _is_settled(self, looks: Sequence[Observation]) -> bool:
        return are_at_rest(looks, self.settled_s, until=self.mostly, rest=self.rest)

    def _is_back(self, looks: Sequence[Observation]) -> bool:
        """Whether everything is back and at rest: a level that only dips does not count."""
        before = sum(1 for look in looks if look.at_s <= looks[-1].at_s - self.agreeing_s)
        recent = looks[min(len(looks) - AGREEING_LOOKS, before - 1) :]
        return (
            len(looks) >= AGREEING_LOOKS
            and before > 0
            and all(
                max(look.level(signal) for look in recent) <= until
                and recent[0].level(signal) - recent[-1].level(signal) <= self.rest.get(signal, math.inf)
                for signal, until in self.until.items()
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainResult:
    """The levels seen while waiting, in order of time."""

    observations: tuple[Observation, ...]
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Ask the runtime which goroutines can never be woken (``goroutineleak``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Keep the profiles of this moment: what grew between two of them is attributed to sites."""

    name: str
    """``before`` or ``after``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotResult:
    """The profiles are kept."""

    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult:
    """Goroutines that the runtime proved leaked, or ``None`` where it does not offer the profile."""

    leaked: int | None
    elapsed_s: float


Step = WarmUp | Block | Listen | Drain | Proof | Snapshot
StepResult = WarmUpResult | BlockResult | ListenResult | DrainResult | ProofResult | SnapshotResult

Conversation = Generator[Step, StepResult, Verdict]
"""An experiment under way: yields steps, is sent their results, returns the verdict."""
