from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.step import SETTLED_S, Drain

UNTIL = {Signal.HEAP_BYTES: 1000, Signal.HEAP_OBJECTS: 100, Signal.GOROUTINES: 10}


def looks(*levels, every_s=0.0):
    return [
        Observation(at_s=index * every_s, heap_bytes=b, heap_objects=o, goroutines=g, total_alloc=0, num_gc=0)
        for index, (b, o, g) in enumerate(levels)
    ]


def test_three_looks_must_agree_that_all_is_back():
    drain = Drain(seconds=8, until=UNTIL)

    assert not drain.is_over(looks((900, 90, 10), (900, 90, 10)))
    assert drain.is_over(looks((5000, 90, 10), (900, 90, 10), (1000, 100, 9), (900, 90, 10)))
    assert not drain.is_over(looks((900, 90, 10), (900, 101, 10), (900, 90, 10)))


def test_what_still_falls_is_not_over():
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_OBJECTS: 5})

    assert not drain.is_over(looks((900, 90, 10), (900, 80, 10), (900, 70, 10)))
    assert drain.is_over(looks((900, 75, 10), (900, 72, 10), (900, 70, 10)))
    assert drain.is_over(looks((900, 70, 10), (700, 80, 10), (500, 75, 10)))


def test_a_drain_that_took_most_is_over_once_nothing_more_goes():
    mostly = {Signal.HEAP_BYTES: 3000, Signal.HEAP_OBJECTS: 300, Signal.GOROUTINES: 12}
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50}, mostly=mostly)
    whole = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50})
    at_rest = [(2020, 90, 10), (2010, 90, 10), (2000, 90, 10)]

    assert drain.is_over(looks((9000, 900, 90), *at_rest, every_s=SETTLED_S / 2))
    assert not drain.is_over(looks((9000, 900, 90), *at_rest, every_s=SETTLED_S / 4)), "too soon"
    assert not drain.is_over(looks((2090, 90, 10), *at_rest[1:], every_s=SETTLED_S / 2)), "still falling"
    assert not drain.is_over(looks(*[(2000, 301, 10)] * 4, every_s=SETTLED_S / 2)), "too much is left"
    assert not whole.is_over(looks((9000, 900, 90), *at_rest, every_s=SETTLED_S / 2))
