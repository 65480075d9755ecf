"""The scoreboard's tables."""

import dataclasses

import pytest

from benchmarks.accuracy import page
from benchmarks.accuracy.comparison import as_read_by, best_thresholds, comparison
from benchmarks.accuracy.markdown import NOTHING, count, figure, interval, one_line, percent, share, table
from benchmarks.accuracy.score import Share
from benchmarks.accuracy.table import render
from benchmarks.accuracy.trial import Growth, Method
from benchmarks.manual_procedure import Thresholds
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome
from tests.benchmarks.trials import clean, estimate, leak, place

KIB = 1024


def by_hand(truth_of, *, kib, goroutines=0, **changes):
    growth = Growth(heap_bytes=kib * KIB, goroutines=goroutines, shows_function=True)
    return truth_of(method=Method.MANUAL, growth=growth, outcome=Outcome.LEAK, duration_s=12.0, **changes)


def test_cells():
    assert count(Share(hits=3, total=7)) == "3 of 7"
    assert share(Share(hits=3, total=7)) == "42.9 % (15.8 to 75.0)"
    assert count(Share(hits=0, total=0)) == share(Share(hits=0, total=0)) == interval(Share(hits=0, total=0))
    assert (percent(0.995), percent(None)) == ("99.5 %", figure(None))
    assert (figure(0.00412), figure(12.345), figure(3210.5)) == ("0.00412", "12.3", "3,210")
    assert one_line("a\n b  c") == "a b c"
    assert one_line("x" * 200, longest=10) == "x" * 9 + "…"


def test_a_pipe_does_not_end_a_cell():
    assert table(["a", "b"], [["x|y", "z"]]).splitlines() == ["| a | b |", "| --- | --- |", "| x\\|y | z |"]


def test_categories_have_a_row_each_and_a_total():
    text = render([leak(category="late"), clean(category="cache"), clean(category="cache", outcome=Outcome.LEAK)])
    rows = [line for line in text.splitlines() if line.startswith(("| late", "| cache", "| **all** | 1 of 1 |"))]

    assert [row.split(" | ")[1:3] for row in rows] == [[NOTHING, "1 of 2"], ["1 of 1", NOTHING], ["1 of 1", "1 of 2"]]
    assert "Trials: 3, of 1 leaking and 1 clean endpoints; connections 16; seeds 1; go1.26.8" in text


def test_connections_are_in_the_order_of_their_number():
    trials = [clean(concurrency=each) for each in (100, 1, 16)]
    part = render(trials).partition("### By number of connections")[2].partition("###")[0]

    assert [line.split(" | ")[0] for line in part.strip().splitlines()[2:]] == ["| 1", "| 16", "| 100", "| **all**"]


def test_what_was_wrong_is_listed():
    text = render(
        [
            clean(outcome=Outcome.LEAK, reason="grows by 8 B\nper request", case="clean/bad"),
            leak(places=(place("main.other"),), case="leak/misled"),
            leak(case="leak/good"),
            leak(case="leak/off", estimates={Signal.HEAP_BYTES: estimate(128, off=1.5)}),
        ]
    )

    assert "| clean/bad | clean | leak | 16 | 1 | grows by 8 B per request |" in text
    assert "| leak/misled | `main.keep`, GL060 | `main.other`, GL060 | 16 | 1 |" in text
    assert "| leak/off | 128 B | 192 | 188 to 196 | 16 | 1 |" in text
    assert "leak/good" not in text


def test_missed_targets_stand_out():
    assert "| ≥ 99.0 % | **no** |" in render([leak(outcome=Outcome.CLEAN)])
    assert "**no**" not in render([leak(), clean()])


def test_without_other_methods_there_is_no_comparison():
    assert comparison([leak(), clean()]) == ""
    assert "### Beside other ways" not in render([leak(), clean()])


def test_the_comparison_is_on_the_endpoints_that_all_judged():
    trials = [
        leak(),
        clean(),
        clean(case="clean/only-ours", outcome=Outcome.LEAK),
        by_hand(leak, kib=3000),
        by_hand(clean, kib=1500),
        leak(method=Method.COUNTS, outcome=Outcome.CLEAN, duration_s=1.0, places=()),
        clean(method=Method.COUNTS, duration_s=1.0),
    ]

    rows = {line.split(" | ")[0]: line for line in comparison(trials).splitlines()}

    assert "| 100.0 % (20.7 to 100.0) | 0.0 % (0.0 to 79.3) | 0 of 2 | 1 of 1, on top | 6 |" in rows["| pytest-goleak"]
    assert "| 100.0 % (20.7 to 100.0) | 100.0 % " in rows["| by hand: > 1024 KiB or > 10 goroutines"]
    assert (
        "| 0.0 % (0.0 to 79.3) | 0 of 2 | 1 of 1, somewhere | 12 |"
        in rows["| by hand, best rule in hindsight: > 2048 KiB or > 0 goroutines"]
    )
    assert f"| {NOTHING} | 1 |" in rows["| goroutines counted, goleak's retries"]


def test_thresholds_read_a_manual_trial():
    trial = by_hand(clean, kib=100, goroutines=5)
    failed = dataclasses.replace(trial, growth=None, outcome=Outcome.ERROR)

    assert as_read_by(trial, Thresholds(heap_bytes=101 * KIB, goroutines=5)).outcome is Outcome.CLEAN
    assert as_read_by(trial, Thresholds(heap_bytes=99 * KIB, goroutines=5)).outcome is Outcome.LEAK
    assert as_read_by(trial, Thresholds(heap_bytes=101 * KIB, goroutines=4)).outcome is Outcome.LEAK
    assert as_read_by(failed, Thresholds(heap_bytes=0, goroutines=0)).outcome is Outcome.ERROR


def test_the_best_thresholds_are_those_with_most_right():
    trials = [by_hand(leak, kib=3000), by_hand(leak, kib=5000), by_hand(clean, kib=1500), by_hand(clean, kib=600)]

    assert best_thresholds(trials) == Thresholds(heap_bytes=2048 * KIB, goroutines=0)


def test_the_page_shows_the_kept_trials():
    assert page.shown() == page.tables(), page.BEGIN


@pytest.mark.parametrize("place_of_a_machine", ["/work", "/root", "/home", "/tmp"])
def test_the_page_names_no_place_of_the_machine_it_ran_on(place_of_a_machine):
    assert place_of_a_machine not in page.shown()
