"""Further cycles of load and rest, where some of the growth went away without load and some may stay."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.stats import wording
from pytest_goleak.stats.conclusion import clean_after_drain, doubt_of, leak
from pytest_goleak.stats.design import CONFIRM_LEVEL, Thresholds
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.rest import Rest
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["second_cycle"]

AMPLE_WAIT = 1.5
AMPLE_WAIT_S = 1.0
"""A wait that follows a first one lasts so many times as long as that needed, and so many seconds more."""

AGAIN_SHARE = 0.7
"""Dose of a second cycle, as a share of that of the first."""

HELD_SHARE = 0.85
"""What loads without pauses may hold at once, as a share of what was held before."""

LEAST_DECISIVE = 2.0
LEAST_SHARE = 0.5
"""Requests that such loads need, as a multiple of those whose growth tells, and as a share of those of a block."""

LEAST_NOISE = 4.0
"""What is tolerated of all of them, as a multiple of the noise of a round that it needs to be told from."""

LOOKS = 2
"""Looks at a suspicion: at the block that repeats it, and at that one and another pooled."""


@dataclass
class _Case:
    """What speaks for a leak of one signal: a suspicion, and the blocks that looked at it again."""

    is_suspect: bool
    looks: list[Evidence]
    p_value: float = 1.0
    """The least that a look has shown."""

    @property
    def is_proven(self) -> bool:
        return self.p_value <= CONFIRM_LEVEL

    def hear(self, block: Evidence, signal: Signal, thresholds: Thresholds) -> None:
        """Take in what *block* shows: a suspicion where there was none, or one of the looks that alpha covers."""
        if not self.is_suspect:
            self.is_suspect = signal in block.suspects(thresholds)
        elif not self.is_proven and len(self.looks) < LOOKS:
            self.p_value = min(self.p_value, block.p_value(signal, *self.looks))
            self.looks.append(block)


def second_cycle(
    trial: Trial, first: Rest, suspects: tuple[Signal, ...], confirmed: list[Signal]
) -> Part[Verdict | None]:
    """Load and drain again: what follows the highest peak so far does not grow a second time, a leak does.

    Where all went away, loads without pauses show whether it goes again: nothing is to be told from growth with time.
    Where more was held at once than ever before, or less stays than before, one more cycle tells; so it does where
    little stays beside what went, less than is tolerated, and none did before: no look sees the highest peak of a load.
    """
    # A leak grows as much per request in a smaller dose, and a smaller dose is less likely to hold more at once.
    dose = max(1, round(AGAIN_SHARE * first.blocks[-1].dose))
    if not trial.schedule.has_time_to_confirm(dose):
        trial.last_doubt = doubt_of(trial, first, suspects) or (
            "part of the growth went away without load, and the budget left no time to see if that repeats"
        )
        return None
    cases = {signal: _case_of(trial, first, signal, is_proven=signal in confirmed) for signal in suspects}
    has_stayed = False
    while True:
        trial.rested(first)
        has_stayed |= any(first.kept[signal].stays for signal in suspects)
        again = yield from _load_again(trial, first, suspects, dose)
        is_randomised = again is trial.blocks[-1]
        if is_randomised:
            for signal, case in cases.items():
                case.hear(again, signal, trial.thresholds)
        rest = yield from _wait_for_drain(trial, first, suspects, again)
        staying = [signal for signal in suspects if rest.keeps(signal)]
        proven = [signal for signal in staying if is_randomised and cases[signal].is_proven]
        leaking = [signal for signal in proven if rest.keeps_as_much_as(first, signal)]
        is_certain = any(first.keeps(signal) or not rest.is_drained([signal]) for signal in leaking)
        if is_certain and not rest.tops(trial.held) and rest.is_telling(leaking):
            p_value = cases[leaking[0]].p_value
            return (yield from leak(trial, again, leaking, "stays after every idle wait", rest=rest, p_value=p_value))
        if not leaking and rest.has_sunk(suspects):
            trial.start_anew()
            return None
        is_drained = not leaking and rest.is_drained(suspects)
        if is_drained and (rest.began_at_rest(first, suspects) or rest.is_certain(suspects)):
            return _clean_if_outlasted(trial, first, rest, suspects, has_stayed=has_stayed)
        trial.last_doubt = wording.MAY_HIDE if is_drained else _doubt_about(trial, rest, suspects)
        is_open = bool(staying) or is_drained  # a cycle that begins at rest has nothing that could hide what it adds
        if not is_open or not trial.may_suspect or not trial.schedule.has_time_to_confirm(dose):
            return None
        first = rest


def _case_of(trial: Trial, first: Rest, signal: Signal, *, is_proven: bool) -> _Case:
    """Return what the blocks before the first wait say of *signal*."""
    suspicious, *looks = first.blocks
    p_value = looks[-1].p_value(signal) if is_proven else 1.0
    return _Case(signal in suspicious.suspects(trial.thresholds), looks, p_value)


def _load_again(trial: Trial, first: Rest, suspects: tuple[Signal, ...], dose: int) -> Part[Evidence]:
    """Return what loads without pauses show if these tell as well as a block of *dose* would, else such a block."""
    if not first.is_drained(suspects):
        return (yield from trial.run_block(dose))
    requests = _without_pauses(first)
    if _are_telling(trial, first, requests, suspects):
        return (yield from trial.run_loads(requests))
    return (yield from trial.run_block(dose, idle_share=trial.idle_share(dose)))


def _without_pauses(first: Rest) -> int:
    """Return the requests of loads without pauses that hold less at once than the blocks before *first* did.

    Each may hold as much as one of any loaded round did on average, and all together add less than the last block.
    """
    requests = [AGAIN_SHARE * first.blocks[-1].requests]
    for signal in Signal:
        held, added = first.held(signal), max(block.gross(signal) for block in first.blocks)
        if held > first.thresholds.floor(signal) and added > 0:
            requests.append(HELD_SHARE * held / added)
    return int(min(requests))


def _are_telling(trial: Trial, first: Rest, requests: int, suspects: tuple[Signal, ...]) -> bool:
    """Whether so many *requests* tell as well as a block does if some of *suspects* stays of each.

    What *first* left may go away meanwhile, and must not make up for what is tolerated; nor must noise, which only
    blocks with idle rounds show.
    """
    thresholds = first.thresholds
    if requests < max(LEAST_DECISIVE * thresholds.decisive, LEAST_SHARE * AGAIN_SHARE * first.blocks[-1].requests):
        return False
    return all(
        thresholds.margin(signal) * requests
        >= max(
            2 * first.kept[signal].rate * first.kept[signal].requests,
            LEAST_NOISE * max(block.noise(signal) for block in (*first.blocks, trial.blocks[-1])),
        )
        for signal in suspects
    )


def _wait_for_drain(trial: Trial, first: Rest, suspects: tuple[Signal, ...], again: Evidence) -> Part[Rest]:
    """Return what *again* leaves behind after a wait that is as long as it has to be.

    What stays at rest after loads without pauses is for the next cycle to tell.
    """
    # What drains does so in as long as it took before.
    enough_s = trial.plan.wait_s if first.falling(suspects) else AMPLE_WAIT * first.settled_s + AMPLE_WAIT_S
    rest = yield from trial.rest([again], min(trial.plan.wait_s, enough_s))
    is_open = not rest.is_drained(suspects) and (rest.falling(suspects) or again is trial.blocks[-1])
    if is_open and rest.waited_s < trial.plan.wait_s:  # a flush comes at its own time
        rest = yield from trial.rest([again], trial.plan.wait_s - rest.waited_s, is_whole=True)
    return rest


def _clean_if_outlasted(
    trial: Trial, first: Rest, rest: Rest, suspects: tuple[Signal, ...], *, has_stayed: bool
) -> Verdict | None:
    """Return ``clean`` after *rest*, unless growth that *has_stayed* stopped only just now."""
    if has_stayed and trial.must_outlast():
        trial.last_doubt = "growth stopped only just now"
        return None
    return clean_after_drain(trial, rest, suspects, "a second cycle of load and rest adds nothing", first=first)


def _doubt_about(trial: Trial, rest: Rest, suspects: tuple[Signal, ...]) -> str:
    """Return what *rest* leaves open."""
    return doubt_of(trial, rest, suspects) or (
        f"{wording.growth(trial.estimates(rest.blocks[-1]), suspects)}, and neither stays nor goes for certain"
    )
