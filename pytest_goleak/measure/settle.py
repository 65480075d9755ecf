"""Levels that mean something: read after garbage collections, once nothing falls any more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_goleak.model.errors import TargetRestartedError
from pytest_goleak.model.looks import Looks
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.protocols import Clock, Source

__all__ = ["SLOW_COLLECTION_S", "Patience", "are_equal", "check_same_process", "listen", "look_again", "settle"]

LOOK_INTERVAL_S = 0.02
"""Pause between two looks at a noisy service."""

PATIENCE_S = 1.0
LITTLE_PATIENCE_S = 0.25
"""Longest time for one settling, and for those of later blocks where one took longer: that is the drain's business."""

SLOW_COLLECTION_S = 0.3
"""Observations that cost more than this are not repeated: such a heap is large, and its own noise larger."""


@dataclass(slots=True)
class Patience:
    """How long a settling may take, in one measurement; the same for all rounds of a block."""

    seconds: float = PATIENCE_S
    is_lost: bool = False
    """Whether levels fell for longer than that."""

    def begin_block(self) -> None:
        """Be short from now on, if it is lost."""
        if self.is_lost:
            self.seconds = LITTLE_PATIENCE_S


def settle(
    source: Source,
    clock: Clock,
    *,
    collections: int = 2,
    before: Observation | None = None,
    patience: Patience | None = None,
) -> Observation:
    """Return the levels after so many collections, and further ones while anything falls.

    ``sync.Pool`` survives one collection, finalizers and clean-ups need one more per link, and connections that we
    closed end within milliseconds on the other side: all of that shows as a fall from one look to the next. Levels
    that are what they were *before* have nothing to fall from. The cost is that of the first look, which is what
    another one will cost.
    """
    patience = patience or Patience()
    first = observation = source.observe(collections=collections)
    deadline = clock.now() + patience.seconds
    is_over = before is not None and not observation.is_falling and are_equal(before, observation)
    while not is_over and observation.cost_s < SLOW_COLLECTION_S and clock.now() < deadline:
        clock.sleep(0.005)
        earlier, observation = observation, source.observe(collections=1)
        is_over = not observation.is_falling and not _fell(earlier, observation)
    if not is_over and clock.now() >= deadline:
        patience.is_lost = True
    return replace(observation, cost_s=first.cost_s)


def look_again(source: Source, clock: Clock, looks: Looks, *, first: Observation) -> Observation:
    """Return the levels that several *looks* give, the *first* one settled, where levels may never rest."""
    seen = [first]
    while not looks.are_over(seen):
        clock.sleep(LOOK_INTERVAL_S)
        seen.append(source.observe(collections=1))
    return looks.read(seen)


def listen(source: Source, clock: Clock, *, seconds: float) -> list[Observation]:
    """Return looks at the pace of :func:`look_again`, for so long."""
    ends_s = clock.now() + seconds
    seen = [source.observe(collections=1)]
    while clock.now() < ends_s:
        clock.sleep(LOOK_INTERVAL_S)
        seen.append(source.observe(collections=1))
    return seen


def check_same_process(before: Observation, after: Observation) -> None:
    """Raise if a counter that never falls within one process fell.

    Raises:
        TargetRestartedError: the service restarted, or a load balancer sent us to another replica.

    """
    for name, was, is_now in (
        ("TotalAlloc", before.total_alloc, after.total_alloc),
        ("NumGC", before.num_gc, after.num_gc),
    ):
        if is_now < was:
            raise TargetRestartedError(
                f"{name} fell from {was:,} to {is_now:,}, which no process ever does: the service restarted, or "
                f"several replicas answer at this URL. Point goleak at one single process, and see its log for a crash."
            )


def are_equal(before: Observation, after: Observation) -> bool:
    """Whether nothing moved but for the runtime's own noise between two looks."""
    return before.goroutines == after.goroutines and not _fell(before, after) and not _fell(after, before)


def _fell(before: Observation, after: Observation) -> bool:
    """Whether a collection freed more than that noise."""
    return before.heap_objects - after.heap_objects > max(
        16, before.heap_objects // 5000
    ) or before.heap_bytes - after.heap_bytes > max(4096, before.heap_bytes // 2000)
