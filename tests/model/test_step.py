from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.step import Drain

UNTIL = {Signal.HEAP_BYTES: 1000, Signal.HEAP_OBJECTS: 100, Signal.GOROUTINES: 10}


def looks(*levels):
    return [
        Observation(at_s=0, heap_bytes=b, heap_objects=o, goroutines=g, total_alloc=0, num_gc=0) for b, o, g in levels
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
