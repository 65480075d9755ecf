"""Steps of the experiment: when they are over, and how large their rounds are."""

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.step import SILENCE_S, Block, BlockResult, Drain, are_at_rest


def looks_at(*objects, interval_s=0.1):
    return [
        Observation(at_s=index * interval_s, heap_bytes=0, heap_objects=level, goroutines=7, total_alloc=0, num_gc=0)
        for index, level in enumerate(objects)
    ]


def load(requests, seconds):
    return LoadResult(planned=requests, completed=requests, duration_s=seconds)


AT_REST = {Signal.HEAP_OBJECTS: 1032}
STILL = {Signal.HEAP_OBJECTS: 32}


@pytest.mark.parametrize(
    ("levels", "are_silent"),
    [
        ([1000] * 5, False),
        ([1000] * 6, True),
        ([1000, 1032] * 3, True),
        ([1033] * 6, False),
        ([1000] * 5 + [1100], False),
        ([1100] + [1000] * 5, False),
        ([1100] + [1000] * 6, True),
    ],
)
def test_levels_are_at_rest_after_half_a_second_of_silence(levels, are_silent):
    assert are_at_rest(looks_at(*levels), SILENCE_S, until=AT_REST, rest=STILL) is are_silent


def test_a_leap_between_two_looks_is_no_silence():
    assert not are_at_rest(looks_at(1000, 900_000, interval_s=1.2), SILENCE_S, until=AT_REST, rest=STILL)


def test_levels_are_never_at_rest_unless_it_is_defined_where():
    assert not are_at_rest(looks_at(*[1000] * 100), SILENCE_S, until={}, rest=STILL)


def test_rounds_have_the_size_that_was_planned_while_the_time_allows():
    block = Block(doses=(100, 0, 120), sizes=(100, 110, 120), load_s=10.0)

    assert [block.size(0, []), block.size(1, [load(100, 1)]), block.size(2, [load(100, 1), None])] == [100, 110, 120]


def test_rounds_are_cut_where_requests_turn_out_to_be_slow():
    block = Block(doses=(100, 0, 120, 90), sizes=(100, 110, 120, 90), load_s=10.0)

    assert block.size(1, [load(100, 8)]) == 12
    assert block.size(2, [load(100, 8), None]) == 12
    assert block.size(3, [load(100, 8), None, load(12, 1)]) == 12


def test_idle_rounds_at_the_end_are_as_short_as_the_last_load():
    block = Block(doses=(100, 120, 0), sizes=(100, 120, 130), load_s=10.0)

    assert block.size(2, [load(100, 8), load(12, 1)]) == 12
    assert block.size(2, [load(100, 1), load(120, 1)]) == 120


def test_the_last_load_tells_how_slow_requests_have_become():
    block = Block(doses=(100, 100, 100), load_s=20.0)

    assert block.size(2, [load(100, 0.1), load(100, 10)]) == 99
    assert block.size(2, [load(100, 0.1), load(100, 16)]) == 24


def test_every_round_keeps_one_request_at_least():
    block = Block(doses=(100, 120), load_s=10.0)

    assert block.size(1, [load(100, 40)]) == 1


def test_a_result_tells_what_was_really_sent():
    result = BlockResult(observations=(), loads=(load(100, 8), None, load(12, 1)), elapsed_s=9.0)

    assert result.doses == (100, 0, 12)


UNTIL = {Signal.HEAP_BYTES: 1000, Signal.HEAP_OBJECTS: 100, Signal.GOROUTINES: 10}


def looks(*levels, every_s=0.25):
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
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50}, mostly=mostly, settled_s=2)
    whole = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50}, settled_s=2)
    at_rest = [(2020, 90, 10), (2010, 90, 10), (2000, 90, 10)]

    assert drain.is_over(looks((9000, 900, 90), *at_rest, every_s=1))
    assert not drain.is_over(looks((9000, 900, 90), *at_rest, every_s=0.5)), "too soon"
    assert not drain.is_over(looks((2090, 90, 10), *at_rest[1:], every_s=1)), "still falling"
    assert not drain.is_over(looks(*[(2000, 301, 10)] * 4, every_s=1)), "too much is left"
    assert not whole.is_over(looks((9000, 900, 90), *at_rest, every_s=1))


def test_looks_in_short_succession_spare_a_drain_after_half_a_second_of_silence():
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50})

    assert drain.is_silent(looks((9000, 90, 10), *[(900, 90, 10)] * 7, every_s=0.1))
    assert not drain.is_silent(looks(*[(900, 90, 10)] * 5, every_s=0.1)), "three looks that agree are not enough"
    assert not drain.is_silent(looks(*[(900 - 60 * index, 90, 10) for index in range(7)], every_s=0.1)), "it falls"


def test_they_spare_one_that_took_most_as_well_once_nothing_more_goes():
    mostly = {Signal.HEAP_BYTES: 3000, Signal.HEAP_OBJECTS: 300, Signal.GOROUTINES: 12}
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50}, mostly=mostly, settled_s=1)
    whole = Drain(seconds=8, until=UNTIL, rest={Signal.HEAP_BYTES: 50}, settled_s=1)
    at_rest = looks((9000, 900, 90), *[(2000, 90, 10)] * 12, every_s=0.1)

    assert drain.is_silent(at_rest)
    assert not drain.is_silent(at_rest[:9]), "too soon"
    assert not whole.is_silent(at_rest)


def test_looks_have_to_agree_for_as_long_as_loads_paused():
    drain = Drain(seconds=8, until=UNTIL, rest={Signal.GOROUTINES: 1}, agreeing_s=1.0)

    assert not drain.is_over(looks(*[(900, 90, 10)] * 4)), "three looks, and too soon"
    assert drain.is_over(looks(*[(900, 90, 10)] * 5))
    assert not drain.is_over(looks((900, 90, 12), *[(900, 90, 10)] * 4)), "more fell than counts as none"
    assert drain.is_over(looks((900, 90, 12), *[(900, 90, 10)] * 5))


def test_what_comes_back_when_the_time_is_over_has_the_looks_that_must_agree():
    drain = Drain(seconds=1, until=UNTIL)
    back, held = (900, 90, 10), (9000, 900, 90)

    assert drain.is_over(looks(*[held] * 5), is_late=True)
    assert not drain.is_over(looks(*[held] * 4, back), is_late=True)
    assert not drain.is_over(looks(back, back), is_late=True)
    assert not drain.is_over(looks(*[held] * 4, back, back), is_late=True)
    assert drain.is_over(looks(*[held] * 4, back, back, back), is_late=True)
    assert drain.is_over(looks(*[held] * 4, back, held), is_late=True), "it only dipped"
