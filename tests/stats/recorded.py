"""A simulated service that keeps the steps which it was asked for."""

from benchmarks.simulation import SimulatedService, conclude
from pytest_goleak.model.plan import MeasurePlan
from pytest_goleak.model.step import Block, Listen
from pytest_goleak.stats.experiment import experiment


class Recorded(SimulatedService):
    """Keeps the steps."""

    def __init__(self, parts, *, seed, rate=20_000.0):
        super().__init__(parts, seed=seed, rate=rate)
        self.steps = []

    def perform(self, step):
        self.steps.append(step)
        return super().perform(step)

    @property
    def blocks(self):
        """The doses of each block."""
        return [step.doses for step in self.steps if isinstance(step, Block)]

    def listened_s(self):
        return sum(step.seconds for step in self.steps if isinstance(step, Listen))


def run(*parts, seed=1, rate=20_000.0):
    """Judge a service of these *parts*; return the verdict and the service."""
    service = Recorded(list(parts), seed=seed, rate=rate)
    return conclude(experiment(MeasurePlan(seed=seed), past=service.past()), service), service
