"""Leaks that the runtime itself proves: no idle wait is needed."""

from __future__ import annotations

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Verdict
from pytest_goleak.model.step import Proof, ProofResult
from pytest_goleak.stats.conclusion import leak
from pytest_goleak.stats.evidence import Evidence
from pytest_goleak.stats.trial import Part, Trial

__all__ = ["prove"]


def prove(trial: Trial, repeat: Evidence, block: Evidence) -> Part[Verdict | None]:
    """Return the verdict if the runtime proves that the goroutines which *repeat* added can never end."""
    if trial.proven_at_start is None or Signal.GOROUTINES not in repeat.suspects(trial.thresholds):
        return None
    proof = yield from trial.ask(Proof(), ProofResult)
    proven = (proof.leaked or 0) - trial.proven_at_start
    # The levels may be back already, while rounds grew: then nothing is left that could be proven leaked.
    grown = repeat.end.goroutines - trial.blocks[0].start.goroutines
    added = repeat.growth[Signal.GOROUTINES].per_request * repeat.requests
    if proven < 0.9 * max(grown, added):
        return None
    if repeat is block:
        repeat = yield from trial.run_block(block.dose)
    if not repeat.repeats(block, Signal.GOROUTINES):
        return None
    others = [s for s in repeat.suspects(trial.thresholds) if s is not Signal.GOROUTINES and repeat.repeats(block, s)]
    return (
        yield from leak(trial, repeat, [*others, Signal.GOROUTINES], f"the runtime proves {proven:,} goroutines leaked")
    )
