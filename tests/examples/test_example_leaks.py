"""Every planted leak leaks what the service says, and no fixed twin does: by plain counters, before and after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.examples.conftest import Starter
from tests.examples.running import SOURCE, Levels, Service

_WARMUP = 100
"""Requests that fill what has a bound: the ring, the cache, the pools."""
_REQUESTS = 600
"""So many that what the runtime and its libraries add once, about a hundred objects at times, is well below a third."""

_CAUSES = sorted(
    cause
    for source in SOURCE.glob("*.go")
    for cause in re.findall(r'Cause: +"(.+)"', source.read_text(encoding="utf-8"))
)


@pytest.fixture(scope="module")
def truths(example: Service) -> dict[str, dict[str, Any]]:
    truths = example.planted()
    assert sorted(truths) == _CAUSES
    return truths


def _grow(service: Service, path: str, goroutines: int) -> Levels:
    """Send the requests, and return the growth once as many *goroutines* as expected are left."""
    before = service.levels()
    service.send(path, _REQUESTS)
    service.wait_until(lambda: service.goroutines() - before.goroutines <= goroutines)
    return service.levels().growth_since(before)


@pytest.mark.parametrize("cause", _CAUSES)
def test_leak_is_as_large_as_it_is_said_to_be(example: Service, truths: dict[str, Any], cause: str) -> None:
    truth = truths[cause]
    path = truth["leaky"].removeprefix("GET ")
    goroutines = truth["goroutines_per_request"] * _REQUESTS
    example.send(path, _WARMUP)

    growth = _grow(example, path, goroutines)

    assert growth.goroutines == pytest.approx(goroutines, abs=3)  # the runtime may add one of its own
    assert growth.objects == pytest.approx(truth["objects_per_request"] * _REQUESTS, rel=0.3)
    # Maps and slices grow in steps, and dead goroutines' structs are used again.
    assert growth.bytes == pytest.approx(truth["bytes_per_request"] * _REQUESTS, rel=0.5)


@pytest.mark.parametrize("cause", _CAUSES)
def test_fixed_twin_does_not_leak(example: Service, truths: dict[str, Any], cause: str) -> None:
    truth = truths[cause]
    path = truth["fixed"].removeprefix("GET ")
    example.send(path, _WARMUP)

    # What grows once is no leak; a leak grows every time.
    rounds = []
    for _ in range(3):
        rounds.append(growth := _grow(example, path, 0))
        if (
            growth.goroutines <= 0
            and growth.objects < truth["objects_per_request"] * _REQUESTS / 4
            and growth.bytes < truth["bytes_per_request"] * _REQUESTS / 4
        ):
            return
    pytest.fail(f"{path} grows in every round: {rounds}")


@pytest.fixture(scope="module")
def exact(starter: Starter) -> Iterator[Service]:
    """Run a service with exact heap profiles, of every object; what the other tests leaked is not in them."""
    with starter.run(GODEBUG="memprofilerate=1") as service:
        yield service


@pytest.mark.parametrize("cause", _CAUSES)
def test_profiles_blame_the_planted_function(exact: Service, truths: dict[str, Any], cause: str) -> None:
    truth = truths[cause]
    path = truth["leaky"].removeprefix("GET ")
    culprit = (truth["function"], truth["file"])
    exact.send(path, _WARMUP)
    goroutines, objects = exact.blamed("goroutine?debug=1"), exact.blamed("heap?gc=1&debug=1")

    exact.send(path, _REQUESTS)
    goroutines = exact.blamed("goroutine?debug=1") - goroutines
    objects = exact.blamed("heap?gc=1&debug=1") - objects

    if goroutines:  # the goroutines that leak run code of the service
        assert goroutines == {culprit: _REQUESTS * truth["goroutines_per_request"]}
    else:  # none do: the library started them, on behalf of whoever allocated most
        assert objects[culprit] >= _REQUESTS
        assert objects.most_common(1)[0][0] == culprit, json.dumps([*map(str, objects.most_common(3))])
