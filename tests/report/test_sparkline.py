"""The levels as a line of text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.growth import Point
from pytest_goleak.report.sparkline import MAX_WIDTH, plot, sparkline
from tests.report import samples


def test_a_bar_for_each_level():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_equal_levels_are_all_low():
    assert sparkline([5, 5, 5]) == "▁▁▁"


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=80))
def test_the_highest_level_has_the_highest_bar(levels):
    line = sparkline(levels)

    assert len(line) == len(levels)
    assert line[levels.index(min(levels))] == "▁"
    assert max(levels) == min(levels) or line[levels.index(max(levels))] == "█"


def test_the_load_stands_below_the_levels():
    level, load = plot(samples.LEAK)

    assert level.startswith("  heap bytes  ▁")
    assert level.endswith("2 MiB to 3.47 MiB")
    assert "·▪·▪·▪" in load
    assert level.index("▁") == load.index("·")


def test_long_series_are_thinned_out():
    points = tuple(
        Point(at_s=float(n), requests=10 * n, heap_bytes=1000 * n, heap_objects=n, goroutines=3) for n in range(500)
    )

    level, _ = plot(replace(samples.LEAK, series=points))

    assert sum(character in "▁▂▃▄▅▆▇█" for character in level) == MAX_WIDTH


def test_nothing_is_plotted_of_a_level_that_never_moved():
    still = tuple(replace(point, heap_bytes=7) for point in samples.LEAK.series)

    assert plot(replace(samples.LEAK, series=still)) == []


def test_nothing_is_plotted_without_levels():
    assert plot(samples.ERROR) == []
