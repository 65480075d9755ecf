"""Memory that one line keeps through another: the container grows in a call that gets what was allocated here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_goleak.findings.blame import user_frames
from pytest_goleak.findings.cluster import Cluster
from pytest_goleak.findings.hints.flow import passed_on
from pytest_goleak.findings.source import Excerpt
from pytest_goleak.model.profile import Frame

__all__ = ["is_kept_by"]

_NEAREST = 2
"""User frames from the leaf that count as the same place: the function, and the line that calls it."""


def is_kept_by(memory: Cluster, places: Sequence[Excerpt], keeper: Cluster) -> bool:
    """Whether *keeper* grows in a call of the same line, or of a later one that gets the value.

    Args:
        memory: what is kept, by nobody knows whom.
        places: the source of its user frames, leaf first; may be empty.
        keeper: memory of a container, context or timer, whose cause is known.

    """
    lines = {(frame.function, frame.line) for frame in _near(keeper)}
    return not lines.isdisjoint(_lines_of(memory, places))


def _near(cluster: Cluster) -> list[Frame]:
    return [cluster.stack[position] for position in user_frames(cluster.stack)[:_NEAREST]]


def _lines_of(memory: Cluster, places: Sequence[Excerpt]) -> Iterator[tuple[str, int]]:
    near = _near(memory)
    for frame in near:
        yield frame.function, frame.line
    for frame, place in zip(near, places, strict=False):
        for position in passed_on(place):
            yield frame.function, frame.line + position - (place.index or 0)
