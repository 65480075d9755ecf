"""What an experiment concludes: the four outcomes, what each of them must have shown, and the words for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pytest_goleak.model.errors import GoleakError
from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome, Verdict
from pytest_goleak.model.step import Snapshot, SnapshotResult
from pytest_goleak.model.units import format_seconds
from pytest_goleak.stats import wording
from pytest_goleak.stats.classes import class_of_bounded, class_of_leak
from pytest_goleak.stats.estimates import bounded_by, estimates_of_leak
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.rest import Rest
from pytest_goleak.stats.trial import Part, Trial

__all__ = [
    "clean_after_drain",
    "clean_if_proven",
    "clean_reason",
    "doubt_about_clean",
    "doubt_of",
    "inconclusive",
    "interrupted",
    "leak",
]

SAME_SHARE = 0.2
"""Share of the growth above which requests that are all the same leak, too."""


def leak(
    trial: Trial,
    last: Evidence,
    signals: Iterable[Signal],
    why: str,
    *,
    earlier: Evidence | None = None,
    rest: Rest | None = None,
    p_value: float | None = None,
) -> Part[Verdict]:
    """Take the last profiles, find out what the leak follows, and return the verdict.

    Args:
        trial: under way.
        last: the block whose figures are reported.
        signals: that leak.
        why: what made it certain.
        earlier: the block that *last* repeats, for figures that are noisy by *last* alone, or of a few requests.
        rest: the idle wait that some of the growth did not outlast; figures are those of what stayed.
        p_value: of the look that confirmed the first of *signals*; that of *last* by itself unless given.

    """
    yield from _feed_profile(trial, last)
    yield from trial.ask(Snapshot(name="after"), SnapshotResult)
    signals = list(signals)
    growth_class = yield from _class_of_leak(trial, last, signals)
    estimates = estimates_of_leak(trial, last, signals, earlier=earlier, rest=rest)
    p_value = last.growth[signals[0]].p_value if p_value is None else p_value
    # What fills is told from what leaks by how far one went: nobody can exclude a cache that is larger still.
    through = f", without sign of levelling through {trial.schedule.served:,} requests" if trial.has_gone_far else ""
    reason = (
        f"{wording.growth(estimates, signals)}{wording.NOT_BY_REQUEST.get(growth_class, '')}; repeated in a second "
        f"randomised experiment ({last.requests:,} requests, p = {p_value:.2g}){through}; {why}"
    )
    return trial.verdict(Outcome.LEAK, reason, last, estimates=estimates, growth_class=growth_class)


def _class_of_leak(trial: Trial, last: Evidence, signals: list[Signal]) -> Part[GrowthClass]:
    """Return what the leak follows; where requests differ, equal ones show whether it is their differences."""
    growth_class = class_of_leak(trial.blocks[-2:], signals)
    requests = trial.schedule.affordable(last.dose, last)
    if growth_class is not GrowthClass.PER_REQUEST or not trial.is_varied or requests < last.dose / 2:
        return growth_class
    before, after = (yield from trial.send(requests, same_request=True)).observations
    for signal in signals:
        expected = last.growth[signal].per_request * requests
        if expected < 2 * trial.thresholds.floor(signal):
            continue
        if after.level(signal) - before.level(signal) > SAME_SHARE * expected:
            return growth_class
        growth_class = GrowthClass.PER_KEY
    return growth_class


def _feed_profile(trial: Trial, last: Evidence) -> Part[None]:
    """Send more load while the sampled heap profile has too few samples of the leak to name its site."""
    rate = last.growth[Signal.HEAP_BYTES].low
    judged = trial.schedule.served - trial.judged_from
    if trial.sample_bytes <= 1 or rate < trial.thresholds.alarm(Signal.HEAP_BYTES):
        return
    missing = int(16 * trial.sample_bytes / rate) - judged
    requests = trial.schedule.affordable(missing, last)
    if requests > 0:
        yield from trial.send(requests)


def clean_if_proven(trial: Trial, block: Evidence, *, followed: Sequence[Signal] = ()) -> Verdict | None:
    """Return ``clean`` if *block* proves every signal's growth small, after requests enough.

    Its suspicions were followed, and so were hints of it in the *followed* signals; those of pooled figures were not.
    """
    followed = (*followed, *block.suspects(trial.thresholds))
    block = trial.sharpened(block)
    if (doubt := doubt_about_clean(trial, block, followed=followed)) is not None:
        trial.last_doubt = doubt
        return None
    growth_class = _class_of_clean(trial)
    return trial.verdict(Outcome.CLEAN, clean_reason(trial, block), block, growth_class=growth_class)


def doubt_about_clean(trial: Trial, block: Evidence, *, followed: Sequence[Signal] = ()) -> str | None:
    """Return what keeps *block* from being ``clean``, hints that were *followed* aside; ``None`` if nothing does."""
    doubt = _open_question(trial, block, block.unbounded(trial.thresholds), followed=followed)
    if doubt is not None:
        return doubt
    if not trial.schedule.is_enough():
        return f"{trial.schedule.served:,} requests are too few to have met late and rare leaks"
    outweighed = [signal for signal in Signal if block.is_outweighed(signal, trial.thresholds)]
    return "growth stopped only just now" if trial.must_outlast(outweighed=outweighed) else None


def _open_question(
    trial: Trial, block: Evidence, unproven: Sequence[Signal], *, followed: Sequence[Signal]
) -> str | None:
    """Return what *block* leaves open: *unproven* signals, and hints that were not *followed*; ``None`` if nothing.

    A hint of more growth than all that is alive is none.
    """
    hints = [
        signal for signal in block.hints(trial.thresholds) if signal not in followed and not block.is_refuted(signal)
    ]
    if unproven:
        return _noise_reason(trial, block, unproven)
    if hints:
        return f"{wording.growth(trial.estimates(block), hints)}, too little in all to be certain"
    return None


def _class_of_clean(trial: Trial) -> GrowthClass:
    """Return what kind of growth there was, and note where it levelled off."""
    growth_class, levelled_after = class_of_bounded(trial.trace.points[1:], trial.thresholds)
    if trial.background_drift():
        return GrowthClass.BACKGROUND
    if trial.levelled_after is not None:
        return GrowthClass.FILL
    trial.levelled_after = levelled_after
    return growth_class


def clean_after_drain(
    trial: Trial, rest: Rest, suspects: Iterable[Signal], what: str, *, first: Rest | None = None
) -> Verdict | None:
    """Return ``clean`` if every signal is bounded, by the randomised rounds or by what the idle wait left of it.

    A wait bounds what it may not have hidden: little was there before its blocks that could go, or they began at rest,
    after *first*.
    """
    last = trial.blocks[-1]
    bounded = [
        signal
        for signal in Signal
        if rest.is_drained([signal])
        and not rest.has_sunk([signal])
        and (rest.is_certain([signal]) or (first is not None and rest.began_at_rest(first, [signal])))
    ]
    unproven = [signal for signal in last.unproven(trial.thresholds) if signal not in bounded]
    doubt = _open_question(trial, last, unproven, followed=bounded)
    if doubt is not None:
        trial.last_doubt = doubt
        return None
    trial.drained_in_s = rest.waited_s
    grown = wording.growth(trial.estimates(last), suspects)
    reason = f"{grown} under load; {format_seconds(rest.waited_s)} later {what}"
    estimates = trial.estimates(last) | bounded_by(rest, bounded, last, trial.thresholds)
    return trial.verdict(Outcome.CLEAN, reason, last, estimates=estimates, growth_class=GrowthClass.DRAIN)


def inconclusive(trial: Trial) -> Verdict:
    """Return the verdict of an experiment whose budget is over."""
    block = trial.blocks[-1]
    remedy = "A larger budget, a larger tolerance or a quieter service would decide it."
    reason = f"cannot decide within {format_seconds(trial.plan.budget_s)}: {trial.last_doubt}. {remedy}"
    grows = bool(block.hints(trial.thresholds)) or trial.forecast_s is not None
    growth_class = GrowthClass.STILL_GROWING if grows else GrowthClass.UNCLEAR
    return trial.verdict(Outcome.INCONCLUSIVE, reason, block, growth_class=growth_class)


def interrupted(trial: Trial, failure: GoleakError) -> Verdict:
    """Judge what was measured until the service stopped answering; raise *failure* if that proves nothing."""
    for earlier, later in trial.repetitions:
        repeated = [
            signal
            for signal in earlier.suspects(trial.thresholds)
            if later.repeats(earlier, signal)
            # What fell meanwhile was draining; without the idle wait nobody knows how far it would have gone.
            and not any(block.has_fallen(signal, trial.thresholds) for block in (earlier, later))
        ]
        if repeated:
            estimates = trial.estimates(later, leaking=repeated)
            reason = f"{wording.growth(estimates, repeated)}; then the service stopped answering: {failure}"
            growth_class = class_of_leak((earlier, later), repeated)
            return trial.verdict(Outcome.LEAK, reason, later, estimates=estimates, growth_class=growth_class)
    raise failure


def doubt_of(trial: Trial, rest: Rest, suspects: Iterable[Signal]) -> str | None:
    """Say that growth still went away when the idle wait ended, and when it will be gone; ``None`` if it did not."""
    falling = rest.falling(suspects)
    if not falling:
        return None
    trial.forecast_s = rest.forecast_s(falling)
    doubt = f"still draining after {format_seconds(rest.waited_s)} without load"
    if trial.forecast_s is None:
        return f"{doubt}; a longer 'idle' would tell"
    idle = format_seconds(math.ceil(rest.waited_s + 1.5 * trial.forecast_s))
    return f"{doubt}, gone in about {format_seconds(trial.forecast_s)} at that pace; idle = '{idle}' would tell"


def clean_reason(trial: Trial, block: Evidence) -> str:
    """Return the bounds that *block* sets, in one clause."""
    levelled = f", levelled off after {trial.levelled_after:,} requests" if trial.levelled_after else ""
    return f"grows {wording.bounds(trial.estimates(block))}{levelled}, over {trial.schedule.served:,} requests"


def _noise_reason(trial: Trial, block: Evidence, signals: Iterable[Signal]) -> str:
    signal = next(iter(signals))
    if (fall := -block.growth[signal].per_request) > trial.thresholds.margin(signal):
        return f"levels are too noisy: they seem to fall by {wording.amount(signal, fall)} per request"
    high, margin = block.growth[signal].high, trial.thresholds.margin(signal)
    return (
        f"with {len(block.doses)} rounds of {block.dose:,} requests, growth of up to "
        f"{wording.amount(signal, high)} per request can't be excluded; the tolerance is "
        f"{wording.amount(signal, margin)}"
    )
