"""How long a stretch must be flat before growth counts as levelled off, where bytes grow in steps that get rarer."""

from dataclasses import replace

import pytest

from pytest_goleak.model.growth import Point
from pytest_goleak.model.observation import LoadResult, Observation, Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.step import BlockResult
from pytest_goleak.stats.classes import bytes_alone_reached, must_outlast
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import judge_block

THRESHOLDS = Thresholds(Tolerance())
PER_REQUEST = 25
LOADED = (0, 1, 3, 6, 8)


def point(requests, *, heap_bytes, objects):
    return Point(at_s=requests / 20_000, requests=requests, heap_bytes=heap_bytes, heap_objects=objects, goroutines=7)


def points(*, objects, until):
    """Return the levels of a buffer that grows with each request, beside *objects* that come *until* some request."""
    return [
        point(each, heap_bytes=10**6 + PER_REQUEST * each, objects=2_500 + round(objects * min(1.0, each / until)))
        for each in range(0, 100_001, 1_000)
    ]


@pytest.mark.parametrize(
    ("objects", "until", "reached"),
    [
        pytest.param(0, 1, 94_000, id="bytes alone"),
        pytest.param(1_000, 5_000, 94_000, id="beside what was over at the beginning"),
        pytest.param(100_000, 100_000, None, id="with the objects that hold them"),
        pytest.param(2_000, 85_000, None, id="with most of the objects that hold them"),
        pytest.param(2_000, 60_000, 94_000, id="beside what went on for long"),
    ],
)
def test_bytes_that_grew_without_objects_had_their_growth_after_so_many_requests(objects, until, reached):
    assert bytes_alone_reached(points(objects=objects, until=until), THRESHOLDS) == reached


def block(dose, *, served, steps):
    """Return a block whose bytes grow in so many of its five loaded rounds, by what its requests add in all."""
    doses = tuple(dose if round_ in LOADED else 0 for round_ in range(10))
    grown = PER_REQUEST * dose * 5 / steps if steps else 0
    growing = LOADED[len(LOADED) - steps :]
    levels = [10**6 + grown * sum(round_ in growing for round_ in range(done)) for done in range(11)]
    looks = tuple(
        Observation(at_s=0.1 * done, heap_bytes=round(level), heap_objects=2_500, goroutines=7, total_alloc=0, num_gc=0)
        for done, level in enumerate(levels)
    )
    loads = tuple(LoadResult(planned=dose, completed=dose, duration_s=0.1) if each else None for each in doses)
    return judge_block(doses, BlockResult(observations=looks, loads=loads, elapsed_s=1.0), served_before=served)


FIRST = block(100, served=300, steps=0)
SUSPECT = block(2_000, served=800, steps=5)


@pytest.mark.parametrize(
    ("later", "must"),
    [
        pytest.param([], 2 * 10_800, id="nothing was flat yet"),
        pytest.param([block(2_000, served=10_800, steps=0)], 2 * 10_800 - 10_000, id="a flat block counts"),
        pytest.param([block(20_000, served=10_800, steps=4)], 2 * 110_800, id="one with too few steps does not"),
        pytest.param(
            [block(20_000, served=10_800, steps=4), block(2_000, served=110_800, steps=0)],
            2 * 110_800 - 10_000,
            id="what is flat after it does",
        ),
    ],
)
def test_a_block_in_which_bytes_alone_grew_a_little_is_not_flat(later, must):
    blocks = [FIRST, SUSPECT, *later]

    assert must_outlast(blocks, THRESHOLDS) == must


def further(block, requests, *, bytes_left):
    """Return *block* with so many requests after it, after which its bytes were as much higher at the lowest."""
    lowest = min(look.heap_bytes for look in block.looks)
    later = [replace(block.end, heap_bytes=lowest + bytes_left + swell) for swell in (3_000_000, 0, 1_000_000)]
    return block.followed_by(later, further=(requests // 3,) * 3)


NOISY = block(2_000, served=800, steps=0)


@pytest.mark.parametrize(
    ("bytes_left", "later", "must"),
    [
        pytest.param(30_000 * 100, [], 2 * 40_800, id="bytes stayed"),
        pytest.param(30_000 * 100, [block(2_000, served=40_800, steps=0)], 2 * 40_800 - 10_000, id="then flat"),
        pytest.param(30_000 * 10, [], 0, id="hardly any stayed"),
    ],
)
def test_bytes_that_stayed_of_further_loads_may_double(bytes_left, later, must):
    blocks = [FIRST, further(NOISY, 30_000, bytes_left=bytes_left), *later]

    assert must_outlast(blocks, THRESHOLDS) == must


def test_requests_of_further_loads_count_where_hardly_any_bytes_stayed():
    blocks = [FIRST, SUSPECT, further(block(2_000, served=10_800, steps=0), 9_000, bytes_left=0)]

    assert must_outlast(blocks, THRESHOLDS) == 2 * 10_800 - 19_000


def test_what_is_outweighed_need_not_be_flat():
    assert must_outlast([FIRST, SUSPECT], THRESHOLDS, outweighed=[Signal.HEAP_BYTES]) == 0
    assert must_outlast([FIRST, SUSPECT], THRESHOLDS, outweighed=[Signal.HEAP_OBJECTS]) == 2 * 10_800
