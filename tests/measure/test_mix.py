"""The load of several endpoints as one."""

from __future__ import annotations

import pytest

from pytest_goleak.measure.mix import MixStream
from pytest_goleak.measure.stream import LoadStream
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.plan import Endpoint, LoadPlan
from tests.measure.fakes import FakeClock, FakeDriver, FakeTarget


def stream(name, driver):
    endpoint = Endpoint(name=name, path=f"/{name}", load=LoadPlan(timeout_s=5))
    return LoadStream(endpoint, target=FakeTarget(), driver=driver)


def test_every_endpoint_gets_the_whole_dose():
    driver = FakeDriver(FakeClock(), rate=1000)
    mix = MixStream([stream(name, driver) for name in "abc"])

    result = mix.send(100, deadline_s=9)

    assert [(job.endpoint.name, job.requests) for job in driver.jobs] == [("a", 100), ("b", 100), ("c", 100)]
    assert (result.planned, result.completed, mix.sent) == (100, 100, 100)
    assert result.rate == pytest.approx(1000 / 3)
    assert mix.timeout_s == 15


def test_placeholders_go_on_from_dose_to_dose():
    driver = FakeDriver(FakeClock())
    mix = MixStream([stream(name, driver) for name in "ab"])
    mix.send(10, deadline_s=9)
    mix.send(10, deadline_s=9)

    assert [job.first_number for job in driver.jobs] == [0, 0, 10, 10]


def test_one_that_is_not_answered_fails_the_dose():
    clock = FakeClock()
    broken = FakeDriver(clock, spoil=lambda job: {"completed": 0, "errors": {"refused": job.requests}})

    with pytest.raises(LoadDriverError, match="0 of 10 requests were answered"):
        MixStream([stream("a", FakeDriver(clock)), stream("b", broken)]).send(10, deadline_s=9)
