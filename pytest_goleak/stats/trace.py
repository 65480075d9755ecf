"""Every level that an experiment saw, in order of time."""

from __future__ import annotations

from pytest_goleak.model.growth import Point
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.step import BlockResult, DrainResult, StepResult, WarmUpResult

__all__ = ["Trace"]


class Trace:
    """Collects the observations in the results of steps, and counts the requests between them."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._began_s = 0.0
        self._requests = 0

    @property
    def points(self) -> tuple[Point, ...]:
        """The levels so far."""
        return tuple(self._points)

    def add(self, result: StepResult) -> None:
        """Take in the observations of one step, if it made any."""
        match result:
            case WarmUpResult():
                self._requests += result.requests
                self._look(result.observation)
            case BlockResult():
                self._look(result.observations[0])
                for load, observation in zip(result.loads, result.observations[1:], strict=True):
                    self._requests += load.completed if load else 0
                    self._look(observation)
            case DrainResult():
                for observation in result.observations:
                    self._look(observation)

    def _look(self, observation: Observation) -> None:
        if not self._points:
            self._began_s = observation.at_s
        self._points.append(Point.of(observation, requests=self._requests, began_s=self._began_s))
