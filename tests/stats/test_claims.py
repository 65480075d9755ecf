"""The fast form of ``make check-statistics``: fixed seeds, and bounds that a true claim is far from."""

import math

import pytest

from benchmarks.check_statistics import fill_in, tables
from benchmarks.claims import blocks, experiments
from benchmarks.claims.blocks import BlockErrors
from benchmarks.claims.results import Results
from benchmarks.claims.share import Share
from pytest_goleak.model.observation import Signal
from pytest_goleak.stats.design import ALPHA

RUNS = 400
SIGMAS = 4.5


def at_most(claim, share):
    """Whether *share* is no more above *claim* than chance brings about once in some 300,000 times."""
    return share.value <= claim + SIGMAS * math.sqrt(claim * (1 - claim) / share.runs)


def misses(share):
    return Share(share.runs - share.hits, share.runs)


@pytest.fixture(scope="module", params=blocks.NOISE)
def errors(request):
    return blocks.block_errors(request.param, RUNS)


def test_the_level_holds_whatever_the_noise(errors):
    assert at_most(6 / 252, errors.suspected)
    assert at_most(1 / 252, errors.confirmed)


def test_each_bound_misses_a_constant_leak_as_seldom_as_it_says(errors):
    assert at_most(6 / 252, misses(errors.low_holds))
    assert at_most(6 / 252, misses(errors.high_holds))
    assert at_most(12 / 252, misses(errors.both_hold))


def test_the_test_is_exact_where_nothing_ties():
    """Neither too liberal nor too cautious: then it would not be the test that it says."""
    errors = blocks.block_errors("white", 4000)
    expected = 6 / 252

    assert abs(errors.suspected.value - expected) < SIGMAS * math.sqrt(expected / 4000)


def test_work_that_spills_into_the_next_round_breaks_the_lower_bound():
    """What the idle wait is for: the interval alone would be wrong here, so this check can fail."""
    low, high = blocks.effect_coverage("64 B more per request, gone one round later", RUNS)

    assert low.value < 0.6
    assert high.value > 0.95


def test_suspicion_and_confirmation_alone_keep_alpha():
    assert at_most(ALPHA, blocks.bare_rule("white", 250))


@pytest.mark.parametrize("service", ["quiet", "heavy-tailed", "random walk", "cron 100 KiB/s"])
def test_whole_experiments_keep_alpha(service):
    assert at_most(ALPHA, experiments.false_alarms(service, 40).leak)


def test_rounds_of_equal_length_tell_drift_from_leaks():
    leak, clean = experiments.drifting(1024 * 1024, 20, is_equal=True)

    assert leak.hits == 0
    assert clean.value > 0.5


def test_what_is_twice_the_stated_size_is_found():
    case = experiments.Case("quiet", Signal.HEAP_BYTES)
    power = experiments.power(case, 15)

    assert power.found[-1].value > 0.8
    assert power.found[0].value < 0.5


def test_a_share_has_the_wilson_interval():
    low, high = Share(0, 100).interval

    assert low == 0
    assert high == pytest.approx(0.0370, abs=1e-4)
    assert str(Share(5, 100)) == "5.00 % [2.15, 11.18]"


def test_tables_go_between_their_markers():
    share = Share(1, 100)
    errors = BlockErrors(suspected=share, confirmed=share, low_holds=share, high_holds=share, both_hold=share)
    results = Results(blocks={"white": errors}, effects={}, rule={}, alarms={}, power={}, clean={}, paces={})
    found = tables(results)
    page = "".join(f"before\n<!-- check-statistics: {name} -->\nold\n<!-- end -->\n" for name in found)

    filled = fill_in(page, found)

    assert "\nold\n" not in filled
    assert "| white | 1.00 % [0.18, 5.45] | 1.00 % [0.18, 5.45] |" in filled
    assert fill_in(filled, found) == filled


def test_a_page_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="check-statistics: level"):
        fill_in("no markers", {"level": "| a |\n"})
