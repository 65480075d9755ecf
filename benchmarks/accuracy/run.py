"""Carry out trials: every case through the same doors as a user's run, one session per batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from random import Random

from benchmarks.accuracy.cases import Case, Corpus, plan_of
from benchmarks.accuracy.trial import Method, Trial, trial_of
from benchmarks.machine import load_average
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.session import GoleakSession

__all__ = ["Batch", "batches", "judge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Cases of one environment, to be judged one after the other in one session."""

    target: Mapping[str, object]
    cases: tuple[Case, ...]
    concurrency: int
    seed: int


def batches(
    corpus: Corpus,
    *,
    concurrency: Sequence[int],
    seeds: Sequence[int],
    done: Collection[tuple[str, str, int, int]] = (),
    parts: int = 1,
) -> list[Batch]:
    """Return what is to be judged: every case for every seed and concurrency, less what is *done*.

    Args:
        corpus: cases and targets.
        concurrency: numbers of connections.
        seeds: of the experiments, and of the order of the cases.
        done: keys of trials that there are already.
        parts: into which each environment's cases are divided, for so many sessions at a time.

    """
    planned = []
    for seed in seeds:
        for connections in concurrency:
            left = [case for case in corpus.cases if (Method.OURS, case.name, connections, seed) not in done]
            ordered = sorted(left, key=lambda each: each.environment)
            for environment, group in groupby(ordered, key=lambda each: each.environment):
                cases = sorted(group, key=lambda each: each.name)
                # Leaking and clean endpoints take turns as they do in a service, in another order for every seed.
                Random(seed).shuffle(cases)
                planned += [
                    Batch(target=corpus.targets[environment], cases=tuple(part), concurrency=connections, seed=seed)
                    for number in range(parts)
                    if (part := cases[number::parts])
                ]
    return planned


def judge(batch: Batch) -> Iterator[Trial]:
    """Yield the trials of *batch* as they end; the session starts its service, and starts it anew after a leak."""
    plan = plan_of(batch.target, batch.cases, concurrency=batch.concurrency, seed=batch.seed)
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers()) as session:
        for case, endpoint in zip(batch.cases, plan.endpoints, strict=True):
            report = session.check(endpoint, item_id=endpoint.name)
            trial = trial_of(case, report, concurrency=batch.concurrency)
            yield replace(trial, go_version=session.service.info.go_version, load_average=round(load_average(), 1))
