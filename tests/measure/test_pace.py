"""Idle rounds that last as long as loaded ones."""

from __future__ import annotations

import pytest

from pytest_goleak.measure.pace import Pace


def test_before_anything_is_known_a_pause_is_as_long_as_the_load():
    assert Pace().pause_s(0.2) == 0.2


def test_an_idle_round_makes_up_for_the_settling_after_load():
    pace = Pace()
    pace.loaded(whole_s=0.30, load_s=0.20)
    pace.idle(whole_s=0.21, pause_s=0.20)

    pause = pace.pause_s(0.20)

    assert pause + 0.01 == pytest.approx(0.30)


def test_old_rounds_are_forgotten():
    pace = Pace()
    pace.loaded(whole_s=9.0, load_s=0.1)
    for _ in range(5):
        pace.loaded(whole_s=0.15, load_s=0.10)
    pace.idle(whole_s=0.02, pause_s=0.0)

    assert pace.pause_s(0.1) == pytest.approx(0.13)


def test_a_pause_is_never_negative():
    pace = Pace()
    pace.loaded(whole_s=0.1, load_s=0.1)
    pace.idle(whole_s=3.0, pause_s=0.0)

    assert pace.pause_s(0.1) == 0.0


def test_a_short_idle_round_is_a_share_of_the_whole_loaded_one():
    pace = Pace()
    pace.loaded(whole_s=0.90, load_s=0.60)
    pace.idle(whole_s=0.02, pause_s=0.0)

    assert pace.pause_s(0.60, share=1 / 3) == pytest.approx(0.30 - 0.02)
