"""A calibration as text: every figure, within the width, and what to do next."""

import dataclasses

import pytest

from pytest_goleak.model.calibration import Calibration, NoiseFloor, Suggestion
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome
from pytest_goleak.report.calibration import render_calibration

CLEAN = Calibration(
    name="GET /ok",
    budget_s=30.0,
    seeds=(1, 2, 3),
    outcomes={Outcome.CLEAN: 2, Outcome.INCONCLUSIVE: 1},
    leaks_low=0.0,
    leaks_high=0.56,
    verdict_s=(1.2, 3.4),
    requests=(9120, 10200),
    rate=7512.0,
    noise={signal: NoiseFloor(median=2048.0, largest=40960.0, spread=9000.0) for signal in Signal},
    stated=dict.fromkeys(Signal, 16.0),
    predicted=dict.fromkeys(Signal, 17.0),
    reasons=("cannot decide within 30 s: noise.",),
    suggestion=Suggestion(budget_s=45.0, budget_reason="why", tolerance=Tolerance(), tolerance_reason="so"),
)
LEAK = dataclasses.replace(CLEAN, outcomes={Outcome.LEAK: 3}, places=("main.f (main.go:1)",), suggestion=None)


def test_everything_is_said_within_the_width():
    text = render_calibration(CLEAN)

    for expected in (
        "GET /ok: 3 runs against itself, seeds 1 to 3, budget 30 s",
        "2 clean, 1 inconclusive; false alarms 0 % (95 % interval 0 to 56 %)",
        "median 1.2 s, longest 3.4 s",
        "median 9,120, most 10,200; 7,512 per second under load",
        "median 2 KiB, largest 40 KiB per round without requests",
        "growth of ≥ 16 B, 16 objects or 16 goroutines per request",
        "with this budget you would see ≥ 17 B, 17 objects or 17 goroutines per",
        '"45s": why',
        "bytes = 128, objects = 0.1, goroutines = 0.01: so",
        "cannot decide within 30 s: noise.",
    ):
        assert expected in text
    assert max(len(line) for line in text.split("\n")) <= 100


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({Outcome.LEAK: 3}, "this is a leak, no false alarm"),
        ({Outcome.LEAK: 3}, "Mend the leak"),
        ({Outcome.LEAK: 1, Outcome.CLEAN: 2}, "false alarms 33.3 %"),
        ({Outcome.LEAK: 1, Outcome.CLEAN: 2}, "a path that is taken now and then"),
        ({Outcome.ERROR: 1}, "Mend what kept the runs from measuring"),
    ],
)
def test_what_no_setting_should_hide_gets_none(outcomes, said):
    text = render_calibration(dataclasses.replace(LEAK, outcomes=outcomes))

    assert said in text
    assert "tolerance  " not in text
