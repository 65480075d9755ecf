"""From a suspicion to a verdict: repeat it, wait idle, and see what stays."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_goleak.model.growth import GrowthClass
from pytest_goleak.model.observation import Observation, Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.model.step import ListenResult
from pytest_goleak.model.units import format_seconds
from pytest_goleak.stats import wording
from pytest_goleak.stats.classes import class_of_leak
from pytest_goleak.stats.conclusion import clean_after_drain, clean_if_proven, doubt_about_clean, leak
from pytest_goleak.stats.cycles import second_cycle
from pytest_goleak.stats.design import TELLING
from pytest_goleak.stats.evidence import FADING, Evidence
from pytest_goleak.stats.listening import listen
from pytest_goleak.stats.proof import prove
from pytest_goleak.stats.repetition import repeat_dose
from pytest_goleak.stats.rest import Rest
from pytest_goleak.stats.schedule import DOUBLING
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["examine", "look_for_drain"]

FAR_S = 2.0
"""Load of the dose that shows whether memory goes on growing."""


def examine(trial: Trial, block: Evidence, suspects: tuple[Signal, ...]) -> Part[Verdict | None]:
    """See whether what *block* shows is a leak, or goes away without load where idle rounds took some of it away.

    It is repeated first, which a leak needs in any case; but for bytes alone that takes as many requests as there were
    so far, and an idle wait takes less.
    """
    gives_back = block.gives_back(suspects)
    if gives_back and suspects == DOUBLING:
        verdict = yield from look_for_drain(trial, block, suspects)
        is_open = block is trial.blocks[-1] and not trial.starts_anew and not trial.is_falling(block, suspects)
        return verdict if verdict or not is_open else (yield from _follow_up(trial, block, suspects))
    verdict = yield from _follow_up(trial, block, suspects)
    if verdict is None and gives_back and block is trial.blocks[-1] and trial.priming is None:  # nothing was tried yet
        verdict = yield from look_for_drain(trial, block, suspects)
    return verdict


def _follow_up(trial: Trial, block: Evidence, suspects: tuple[Signal, ...]) -> Part[Verdict | None]:
    """Repeat the suspicious block, at equal dose if the time allows; if growth goes on, wait and see what stays.

    Returns ``None`` when nothing is proven yet; the experiment goes on with a larger dose.
    """
    outweighing = trial.outweighing(block, suspects)
    dose = repeat_dose(trial.schedule, block, suspects, trial.thresholds, outweighing=outweighing)
    if (doubt := _too_early(trial, block, suspects, dose)) is not None or dose is None:
        trial.last_doubt = doubt or ""
        return None
    repeat = yield from trial.run_block(dose, is_growing=suspects == DOUBLING)
    trial.repetitions.append((block, repeat))
    confirmed = [signal for signal in suspects if repeat.repeats(block, signal)]
    unproven = repeat.unproven(trial.thresholds)
    if not confirmed and repeat.fades_from(block, suspects) and not set(suspects) & set(unproven):
        trial.levelled_after = block.served_before + block.requests
        return clean_if_proven(trial, repeat)
    if confirmed and (verdict := (yield from prove(trial, repeat, block))) is not None:
        return verdict
    both, thresholds = (block, repeat), trial.thresholds
    swelling = [signal for signal in suspects if any(each.swells(signal, thresholds) for each in both)]
    steady = [signal for signal in suspects if signal not in swelling]
    fell = any(each.has_drained(signal, thresholds) for each in both for signal in steady)
    if not confirmed and not fell and (not steady or repeat.fades_from(block, suspects)):
        how = "less from block to block" if steady else "levels go up and down by themselves"
        trial.last_doubt = f"{wording.growth(trial.estimates(repeat), suspects)}, and {how}"
        return None  # it fills up, or moves by itself: waiting tells nothing, more requests do
    return (yield from _wait_and_see(trial, block, repeat, suspects, confirmed=confirmed))


def _too_early(trial: Trial, block: Evidence, suspects: tuple[Signal, ...], dose: int | None) -> str | None:
    """Return why growth in *block* is not worth repeating yet, ``None`` if it is."""
    growth = wording.growth(trial.estimates(block), suspects)
    is_enough = trial.schedule.is_enough() or block.is_glaring(suspects)
    is_enough = is_enough and block.promises(suspects, trial.thresholds)
    if not is_enough and trial.schedule.can_confirm_larger(block, trial.thresholds):
        return f"{growth}, which a cache that fills does as well"
    if dose is None:
        return f"{growth}, but the budget left no time to repeat that and to wait idle"
    fades = len(trial.blocks) > 2 and block.fades_from(trial.blocks[-2], suspects)
    has_filled = block.fades_from_priming(suspects) and trial.schedule.can_confirm_larger(block, trial.thresholds)
    if fades or has_filled:
        return f"{growth}, and less from block to block"
    return None


def _wait_and_see(
    trial: Trial, block: Evidence, repeat: Evidence, suspects: tuple[Signal, ...], *, confirmed: list[Signal]
) -> Part[Verdict | None]:
    """Wait idle after the two blocks, and judge what is left of their growth."""
    aged = trial.schedule.aged_s(repeat.end.at_s - block.middle_s)
    wait_s = trial.plan.wait_s - aged
    rest = yield from trial.rest([block, repeat], wait_s)
    leaking = [signal for signal in confirmed if rest.kept[signal].stays]
    if leaking and not rest.kept[Signal.GOROUTINES].has_fallen:
        return (yield from _leak_if_it_goes_on(trial, rest, leaking))
    rest, is_cut = yield from _wait_longer(trial, rest, suspects, wait_s, aged)
    # There is no verdict where another signal sank and the rounds do not bound it, unless it comes and goes.
    others = () if trial.is_restless else repeat.unproven(trial.thresholds)
    if rest.has_sunk([*suspects, *others]):
        trial.start_anew()
        return None
    if rest.is_drained(suspects) and rest.is_certain(suspects) and not is_cut:
        return clean_after_drain(trial, rest, suspects, "is back to where it was")
    if not confirmed and repeat.fades_from(block, suspects) and not any(rest.kept[s].has_fallen for s in suspects):
        trial.last_doubt = f"{wording.growth(trial.estimates(repeat), suspects)}, and less from block to block"
        return None  # it fills up, and what fell in idle rounds was something else
    return (yield from second_cycle(trial, rest, suspects, confirmed))


def _leak_if_it_goes_on(trial: Trial, rest: Rest, leaking: list[Signal]) -> Part[Verdict | None]:
    """Return the verdict on *leaking*, which stayed for all of *rest*, unless it is something that fills."""
    block, repeat = rest.blocks
    if not rest.is_telling(leaking):
        growth = wording.growth(trial.estimates(block), leaking)
        trial.last_doubt = f"{growth}, too little in all to be told from something that fills"
        return None
    if not (yield from _goes_on(trial, repeat, leaking, spared=max(0, block.requests - repeat.requests))):
        trial.repetitions.pop()  # refuted: no proof of a leak, should the service fail later
        growth = wording.growth(trial.estimates(repeat), leaking)
        trial.last_doubt = f"{growth}, and less in the end, as a cache does that fills"
        return None
    waited = format_seconds(rest.ended_s - block.end.at_s)
    return (yield from leak(trial, repeat, leaking, f"still there {waited} later", earlier=block))


def _wait_longer(
    trial: Trial, rest: Rest, suspects: tuple[Signal, ...], wait_s: float, aged_s: float
) -> Part[tuple[Rest, bool]]:
    """Go on with a wait of *wait_s*, by *aged_s* at the most, where that tells more than a second cycle would.

    What would go in a second cycle may hide as much that stays: it is waited for where that is in doubt, and where no
    more has gone than was known of, of a process that was watched before.

    Returns what is left, and whether levels fell to the end of the time: then they have not come back, but may be on
    their way past where they were.
    """
    is_cut = rest.waited_s >= wait_s and rest.is_going(suspects)
    is_open = not rest.is_drained(suspects) or (rest.falling(suspects) and not rest.is_certain(suspects))
    is_worth_it = is_open or (is_cut and trial.past and rest.are_accounted_for(suspects))
    left_s = trial.schedule.remaining_s
    if not is_worth_it or rest.waited_s < wait_s or left_s <= 0:
        return rest, is_cut
    rest = yield from trial.rest(rest.blocks, min(aged_s, left_s))
    is_over = rest.has_come_to_rest(suspects) and rest.are_accounted_for(suspects)
    return rest, rest.is_going(suspects) or (is_cut and not is_over)


def _goes_on(trial: Trial, last: Evidence, leaking: list[Signal], *, spared: int) -> Part[bool]:
    """Send a far larger dose, and return whether memory still grows as it did: a large cache fills up in it.

    It has the requests that *last* was *spared* as well, being smaller than the block that it repeats. Goroutines are
    not cached, and what doubles grows in steps too rare for one dose to tell.
    """
    requests = trial.schedule.affordable(round(FAR_S * trial.schedule.rate) + spared, last)
    expected = {signal: last.growth[signal].per_request * requests for signal in leaking}
    telling = [s for s in leaking if expected[s] > 4 * max(trial.thresholds.floor(s), last.noise(s))]
    if Signal.GOROUTINES in leaking or tuple(leaking) == DOUBLING or not telling or requests < last.requests / 2:
        return True
    if class_of_leak(trial.blocks[-2:], leaking) is GrowthClass.PER_CONNECTION:
        return True  # a larger dose opens no more connections
    before, after = (yield from trial.send(requests)).observations
    trial.has_gone_far = any(
        after.level(signal) - before.level(signal) > FADING * expected[signal] for signal in telling
    )
    return trial.has_gone_far


def look_for_drain(trial: Trial, block: Evidence, suspects: tuple[Signal, ...] = ()) -> Part[Verdict | None]:
    """See whether the noise of *block* was its own work, still going on: then an idle wait ends it."""
    unproven = tuple(dict.fromkeys([*suspects, *block.unproven(trial.thresholds)]))
    fell_idle = any(block.has_fallen_idle(signal, trial.thresholds) for signal in unproven)
    fell_loaded = any(block.has_fallen(signal, trial.thresholds, floors=TELLING) for signal in unproven)
    # What falls under load alone may do so by itself as well: to listen once tells.
    may_drain = fell_idle or (fell_loaded and (suspects or not trial.has_listened))
    if not may_drain or not trial.schedule.has_time_to_wait():
        return None
    heard = None
    if not trial.has_listened:
        heard = yield from _listen_after(trial, block, unproven)
        later = block.followed_by(heard.observations)
        if not suspects and (verdict := clean_if_proven(trial, later)) is not None:
            return verdict  # so little was alive in between that all is bounded
        if block.stands(heard.observations[-1], unproven, trial.thresholds):
            return None  # nothing goes away by itself: more load may tell, and if it does not, a wait will
    if trial.is_restless:
        return None
    rest = yield from trial.rest([block], trial.plan.wait_s, heard=heard, signals=unproven)
    if rest.is_drained(unproven) and rest.is_certain(unproven) and not rest.has_sunk(unproven):
        return clean_after_drain(trial, rest, unproven, "is back to where it was")
    if rest.has_sunk(unproven):
        trial.start_anew()  # what fell in the block has gone
        return None
    has_fallen = any(rest.kept[signal].has_fallen for signal in unproven)
    if rest.falling(unproven) or not (has_fallen or (fell_idle and rest.is_drained(unproven))):
        return None
    return (yield from second_cycle(trial, rest, unproven, []))


def _listen_after(trial: Trial, block: Evidence, signals: Sequence[Signal]) -> Part[ListenResult]:
    """Listen after *block* until that tells all that an idle wait would, or so little is alive that it is clean."""
    wait = trial.wait_after([block], trial.plan.wait_s, signals=signals)
    sharpened = trial.sharpened(block)

    def is_told(looks: Sequence[Observation]) -> bool:
        return wait.is_silent(looks) or doubt_about_clean(trial, sharpened.followed_by(looks)) is None

    return (yield from listen(trial, signals, is_told=is_told))
