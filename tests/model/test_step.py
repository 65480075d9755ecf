"""Steps of the experiment: when they are over, and how large their rounds are."""

import pytest

from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.step import Block, BlockResult, Listen


def looks_at(*objects, interval_s=0.1):
    return [
        Observation(at_s=index * interval_s, heap_bytes=0, heap_objects=level, goroutines=7, total_alloc=0, num_gc=0)
        for index, level in enumerate(objects)
    ]


def load(requests, seconds):
    return LoadResult(planned=requests, completed=requests, duration_s=seconds)


LISTEN = Listen(seconds=3.0, rest={Signal.HEAP_OBJECTS: 32})


@pytest.mark.parametrize(
    ("levels", "is_over"),
    [
        ([1000] * 5, False),
        ([1000] * 11, True),
        ([1000, 1032] * 6, True),
        ([1000] * 10 + [1100], False),
        ([1100] + [1000] * 11, True),
    ],
)
def test_listening_is_over_after_a_second_of_silence(levels, is_over):
    assert LISTEN.is_over(looks_at(*levels)) is is_over


def test_listening_lasts_its_time_unless_silence_is_defined():
    assert not Listen(seconds=3.0).is_over(looks_at(*[1000] * 100))


def test_rounds_have_the_size_that_was_planned_while_the_time_allows():
    block = Block(doses=(100, 0, 120), sizes=(100, 110, 120), load_s=10.0)

    assert [block.size(0, []), block.size(1, [load(100, 1)]), block.size(2, [load(100, 1), None])] == [100, 110, 120]


def test_rounds_are_cut_where_requests_turn_out_to_be_slow():
    block = Block(doses=(100, 0, 120, 90), sizes=(100, 110, 120, 90), load_s=10.0)

    assert block.size(1, [load(100, 8)]) == 12
    assert block.size(2, [load(100, 8), None]) == 12
    assert block.size(3, [load(100, 8), None, load(12, 1)]) == 12


def test_every_round_keeps_one_request_at_least():
    block = Block(doses=(100, 120), load_s=10.0)

    assert block.size(1, [load(100, 40)]) == 1


def test_a_result_tells_what_was_really_sent():
    result = BlockResult(observations=(), loads=(load(100, 8), None, load(12, 1)), elapsed_s=9.0)

    assert result.doses == (100, 0, 12)
