"""Many endpoints at a time, on a service made of numbers whose endpoints grow as they are told."""

from __future__ import annotations

import random

import pytest

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.check.screen import Screened, screen_endpoints
from pytest_goleak.model.errors import FetchError
from pytest_goleak.model.observation import LoadResult, Observation
from pytest_goleak.model.plan import Endpoint, MeasurePlan, Tolerance
from tests.measure.fakes import FakeClock, FakeTarget


class Service:
    """Answers at a steady rate; each endpoint keeps so many bytes, an object for each 64, per request."""

    name = "service"

    def __init__(self, clock, leaks, *, rate=5000.0, slow=(), broken=(), heap=2_000_000.0, falling=0):
        self.clock, self.leaks, self.rate, self.slow, self.broken = clock, leaks, rate, slow, broken
        self.heap, self.falling = heap, falling
        self.looks, self.requests = 0, dict.fromkeys(leaks, 0)
        self.random = random.Random(1)

    def unsupported(self, endpoint):
        return None

    def run(self, job, on_progress=None):
        name = job.endpoint.name
        duration = job.requests / (20 if name in self.slow else self.rate)
        self.clock.time += duration
        self.heap += self.leaks[name] * job.requests
        self.requests[name] += job.requests
        answered = 0 if name in self.broken else job.requests
        return LoadResult(planned=job.requests, completed=answered, status_codes={200: answered}, duration_s=duration)

    def observe(self, *, collections=2):
        self.clock.time += 0.01
        self.looks += 1
        self.heap -= self.falling
        return Observation(
            at_s=self.clock.time,
            heap_bytes=round(self.heap + self.random.gauss(0, 1500)),
            heap_objects=round(self.heap / 64 + self.random.gauss(0, 2)),
            goroutines=12,
            total_alloc=self.looks,
            num_gc=self.looks,
        )

    def proven_leaks(self):
        return None


def screened(leaks, **settings):
    clock = FakeClock()
    service = Service(clock, leaks, **settings)
    equipment = Equipment(target=FakeTarget(), fetcher=None, source=service, clock=clock)
    cleared = screen_endpoints(
        [Screened(endpoint=Endpoint(name=name, path=f"/{name}"), driver=service) for name in leaks],
        equipment=equipment,
    )
    return service, {endpoint.name: each for each in cleared for endpoint in each.endpoints}


def names(count):
    return [f"e{number}" for number in range(count)]


def test_all_are_cleared_together_where_nothing_grows():
    service, cleared = screened(dict.fromkeys(names(50), 0))

    assert sorted(cleared) == sorted(names(50))
    assert len({id(each) for each in cleared.values()}) == 1
    assert service.clock.time < 50 * 1.5


def test_every_cleared_endpoint_had_the_requests_that_its_report_states():
    service, cleared = screened(dict.fromkeys(names(5), 0))

    for name, each in cleared.items():
        assert service.requests[name] >= each.verdict.requests >= 800


@pytest.mark.parametrize("leaking", [{"e3"}, {"e0", "e7"}, {"e1", "e2", "e4", "e5"}])
@pytest.mark.parametrize("size", [64, 256, 65536])
def test_what_leaks_is_never_cleared_and_does_not_keep_the_others_from_it(leaking, size):
    leaks = {name: size * (name in leaking) for name in names(12)}

    _, cleared = screened(leaks)

    assert not set(cleared) & leaking
    assert set(cleared) >= set(names(12)) - leaking


def test_nothing_is_cleared_where_all_leak():
    _, cleared = screened(dict.fromkeys(names(6), 512))

    assert cleared == {}


def test_slow_and_broken_endpoints_are_left_to_a_closer_look():
    _, cleared = screened(dict.fromkeys(names(6), 0), slow=("e1",), broken=("e2",))

    assert sorted(cleared) == ["e0", "e3", "e4", "e5"]


def test_where_many_leave_something_all_are_left_to_closer_looks():
    leaks = {name: 256 * (number % 2) for number, name in enumerate(names(12))}

    service, cleared = screened(leaks)

    assert cleared == {}
    assert [name for name, requests in service.requests.items() if not requests] == ["e10", "e11"]  # the fifth decided


def test_levels_that_never_rest_are_waited_for_once_and_not_for_every_endpoint():
    service, _ = screened(dict.fromkeys(names(12), 65_536), heap=1e8, falling=100_000)

    assert service.clock.time < 5


def test_one_endpoint_is_no_mix():
    assert screened({"e0": 0})[1] == {}


def test_the_strictest_tolerance_counts():
    clock = FakeClock()
    service = Service(clock, {"a": 40, "b": 0})
    plans = {"a": MeasurePlan(), "b": MeasurePlan(tolerance=Tolerance(bytes=8, objects=0.1, goroutines=0.01))}
    endpoints = [Endpoint(name=name, path="/", measure=plan) for name, plan in plans.items()]
    cleared = screen_endpoints(
        [Screened(endpoint=endpoint, driver=service) for endpoint in endpoints],
        equipment=Equipment(target=FakeTarget(), fetcher=None, source=service, clock=clock),
    )

    assert cleared == ()


def test_a_source_that_fails_clears_nothing():
    clock = FakeClock()
    service = Service(clock, dict.fromkeys(names(4), 0))

    def fail(**_):
        raise FetchError("gone")

    service.observe = fail
    candidates = [Screened(endpoint=Endpoint(name=name, path="/"), driver=service) for name in names(4)]

    equipment = Equipment(target=FakeTarget(), fetcher=None, source=service, clock=clock)
    assert screen_endpoints(candidates, equipment=equipment) == ()
