"""What a look at the levels asks for: which collections, and which of them it reads."""

import gzip

import pytest

from pytest_goleak.check.source import VERY_SLOW_COLLECTION_S, PprofSource
from pytest_goleak.model.observation import Capture
from tests.measure.fakes import FakeClock
from tests.pprof.golden_files import content

HEAP, GOROUTINE = gzip.decompress(content("go1.26", "heap.txt.gz")), content("go1.26", "goroutine.txt")


class Recorded:
    """Answers with profiles of a real program, each collection taking *collection_s*."""

    def __init__(self, clock, collection_s):
        self.clock, self.collection_s = clock, collection_s
        self.asked = []

    def fetch(self, kind, **params):
        self.asked.append((kind, params))
        self.clock.time += self.collection_s if params.get("gc") else 0
        text = HEAP if params.get("debug") else b"not read"
        return Capture(kind=kind, url="/", content=GOROUTINE if kind == "goroutine" else text)


def looked(*, looks, collections, collection_s=0.01):
    """Return what the last of so many looks asked for, and what it saw."""
    clock = FakeClock()
    fetcher = Recorded(clock, collection_s)
    source = PprofSource(fetcher, clock, profiles=())
    for _ in range(looks):
        fetcher.asked.clear()
        observation = source.observe(collections=collections)
    return fetcher.asked, observation


UNREAD, READ, GOROUTINES = ("heap", {"gc": 1}), ("heap", {"gc": 1, "debug": 1}), ("goroutine", {"debug": 1})


@pytest.mark.parametrize("collections", [1, 2, 3])
def test_only_the_last_collection_is_read(collections):
    asked, observation = looked(looks=2, collections=collections)

    assert asked == [*[UNREAD] * (collections - 1), READ, GOROUTINES]
    assert observation.heap_bytes > observation.heap_objects > 0
    assert observation.goroutines == int(GOROUTINE.split()[3]) - 1  # less the one that wrote this
    assert observation.cost_s == pytest.approx(0.01 * collections)


def test_one_collection_is_enough_once_they_turn_out_to_be_very_slow():
    slow = 1.1 * VERY_SLOW_COLLECTION_S

    assert looked(looks=1, collections=2, collection_s=slow)[0] == [UNREAD, READ, GOROUTINES]
    assert looked(looks=2, collections=2, collection_s=slow)[0] == [READ, GOROUTINES]
