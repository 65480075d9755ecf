"""Released versions of real modules, judged as a user's run would: the leaky one leaks, the one that mended it is clean.

A sample of the pairs, of different kinds; ``python -m tests.corpus.thirdparty.pairs`` proves the truth of all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_goleak.config.load import from_mapping
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.session import GoleakSession
from tests.corpus.thirdparty.pairs import (
    FEW_BYTES,
    HERE,
    VARIANTS,
    Levels,
    Pair,
    Proof,
    Variant,
    build,
    load_pairs,
)

SAMPLE = load_pairs(["ants-ticktock", "pgx-timer", "prometheus-method"])
"""A goroutine per request, memory that a timer holds, and memory by the distinct key."""


def judged(pair: Pair, program: Path) -> EndpointReport:
    plan = from_mapping(
        {
            "target": {"command": [str(program), "-addr", "127.0.0.1:{port}"], "ready": "/health"},
            "measure": {"seed": 1, "budget": "60s"},  # twice the default, for machines that do other things as well
            "endpoints": [
                {"name": pair.name, "method": pair.method, "path": pair.path, "expect": list(pair.expect)},
            ],
        },
        root=HERE,
        source="pairs",
    )
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers()) as session:
        return session.check(plan.endpoints[0], item_id=pair.name)


@pytest.mark.parametrize("pair", SAMPLE, ids=lambda pair: pair.name)
def test_the_leaky_version_leaks_where_it_is_said_to(pair: Pair, tmp_path: Path) -> None:
    report = judged(pair, build(pair, "leaky", tmp_path))

    assert report.outcome is Outcome.LEAK, report.reason
    assert report.findings[0].function in (pair.truth.function, *pair.truth.also)


@pytest.mark.parametrize("pair", SAMPLE, ids=lambda pair: pair.name)
def test_the_version_that_mended_it_is_clean(pair: Pair, tmp_path: Path) -> None:
    report = judged(pair, build(pair, "fixed", tmp_path))

    assert report.outcome is Outcome.CLEAN, report.reason


@pytest.mark.parametrize("pair", load_pairs(), ids=lambda pair: pair.name)
def test_a_pair_requires_the_versions_it_names(pair: Pair) -> None:
    for variant, version in zip(VARIANTS, (pair.leaky, pair.fixed), strict=True):
        requirements = (HERE / pair.name / f"{variant}.mod").read_text()

        assert re.search(rf"^(require )?\s*{re.escape(f'{pair.module} {version}')}$", requirements, re.MULTILINE)
        assert "replace" not in requirements


@pytest.mark.parametrize("pair", load_pairs(), ids=lambda pair: pair.name)
def test_a_pair_says_what_leaks_and_who_says_so(pair: Pair) -> None:
    truth = pair.truth

    assert pair.leaky != pair.fixed
    assert pair.source.startswith("https://")
    assert truth.bytes > 0
    assert truth.objects > 0
    assert truth.function


@pytest.mark.parametrize(
    ("variant", "times", "holds"),
    [("leaky", 1.0, True), ("leaky", 0.0, False), ("leaky", 1.5, False), ("fixed", 0.0, True), ("fixed", 1.0, False)],
)
def test_a_proof_holds_only_for_the_declared_growth(variant: Variant, times: float, *, holds: bool) -> None:
    pair = replace(SAMPLE[0], truth=replace(SAMPLE[0].truth, bytes=1024.0, objects=10.0, goroutines=1.0))
    grown = Levels(bytes=round(times * 1_024_000), objects=round(times * 10_000), goroutines=round(times * 1_000))

    assert Proof(pair=pair, variant=variant, rounds=((1_000, grown),)).holds is holds


def test_a_proof_allows_for_what_any_program_leaves() -> None:
    noise = Levels(bytes=FEW_BYTES, objects=0, goroutines=0)

    assert Proof(pair=SAMPLE[0], variant="fixed", rounds=((1_000, noise),)).holds


def test_an_unknown_pair_is_named_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no such pair: nobody\. Expected some of: ants-ticktock, "):
        load_pairs(["nobody"])
