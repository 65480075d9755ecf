"""When an idle wait is over: once what the load added is gone, or nothing more of it goes."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.step import AGREEING_S, Drain
from pytest_goleak.stats.design import Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.retention import GONE

__all__ = ["wait_after"]

TARGET = 0.08
TARGET_MARGIN = 0.4
"""Share of what was added, and of the tolerance, below which it does not pay to wait for more: that is within what
counts as gone."""

HALF = 0.5
"""Share of the growth that may be left when a wait ends early."""

SETTLED_S = 1.0
"""Rest that ends such a wait, if loads did not pause for longer."""

PAUSES = 1.5
"""Multiple of the longest pause between loads for which nothing may go away at the end of a wait."""


def wait_after(
    blocks: Sequence[Evidence],
    seconds: float,
    thresholds: Thresholds,
    *,
    signals: Sequence[Signal],
    is_whole: bool,
    has_rested: bool,
) -> Drain:
    """Return the idle wait after *blocks*.

    Args:
        blocks: which added what may go away.
        seconds: longest time to wait.
        thresholds: of the experiment.
        signals: to wait for.
        is_whole: whether it has to last until all is back: else it also ends when most is gone and nothing more goes.
        has_rested: whether there was a wait before *blocks*.

    """
    first, last = blocks[0].before, blocks[-1].end
    requests = sum(block.sent for block in blocks)
    until, mostly = {}, {}
    for signal in signals:
        start, floor = first.level(signal), thresholds.floor(signal)
        grown = last.level(signal) - start
        # Some of what the rounds added may have gone before the blocks were over.
        added = sum(block.growth[signal].per_request * block.requests for block in blocks)
        target = min(TARGET * max(grown, added), TARGET_MARGIN * thresholds.margin(signal) * requests)
        until[signal] = start + max(floor / 2, target)
        mostly[signal] = start + max(floor, HALF * grown, GONE * added)
    # What goes away at an age pauses as the load did.
    pause_s = PAUSES * max(block.longest_pause_s for block in blocks)
    return Drain(
        seconds=seconds,
        until=until,
        rest={signal: thresholds.floor(signal) / 2 for signal in Signal},
        mostly={} if is_whole else mostly,
        agreeing_s=AGREEING_S if has_rested else max(AGREEING_S, pause_s),
        settled_s=max(SETTLED_S, pause_s),
    )
