"""What is kept of a measurement that is over, for the next ones of the same process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_goleak.model.observation import Observation, Signal

__all__ = ["Measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement: what its requests left may go away during a later one."""

    looks: tuple[Observation, ...]
    """The levels that it saw, in order of time, without their sites."""
    most_left: Mapping[Signal, float] = field(default_factory=dict)
    """The most that its requests left, in the signal's unit; signals that nothing is proven of are not in it."""
