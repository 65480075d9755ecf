"""Load right before the first judged block: it fills what is filled once, so that the block shows what goes on."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.design import TELLING, Thresholds

__all__ = ["Priming", "priming_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Priming:
    """Requests that no growth is judged by; what they leave goes away, or stays, with what the block leaves."""

    looks: tuple[Observation, ...]
    """Before the first load, and after each one."""
    requests: int

    @property
    def before(self) -> Observation:
        """The levels before the first load."""
        return self.looks[0]

    @property
    def after(self) -> Observation:
        """The levels after the last one."""
        return self.looks[-1]

    def grown(self, signal: Signal) -> int:
        """Return by how much *signal* grew, in its unit."""
        return self.after.level(signal) - self.before.level(signal)

    def swing(self, signal: Signal) -> int:
        """Return how far the levels of *signal* are apart, in its unit."""
        levels = [look.level(signal) for look in self.looks]
        return max(levels) - min(levels)

    def per_request(self, signal: Signal) -> float:
        """Return by how much *signal* grew per request, once or not."""
        return self.grown(signal) / self.requests

    def is_of_bytes_alone(self, thresholds: Thresholds) -> bool:
        """Whether bytes grew and nothing else did, as they do where a slice or buffer is appended to."""
        others = [signal for signal in Signal if signal is not Signal.HEAP_BYTES]
        return self.grown(Signal.HEAP_BYTES) > TELLING * thresholds.floor(Signal.HEAP_BYTES) and all(
            self.grown(signal) <= thresholds.floor(signal) for signal in others
        )


def priming_of(result: BlockResult) -> Priming:
    """Return what all loads of *result* did."""
    return Priming(looks=result.observations, requests=sum(result.doses))
