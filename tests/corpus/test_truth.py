"""The corpus declares nothing false: a sample is proven here, all of it by `python -m tests.corpus.truth`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_goleak.target.settings import with_go
from tests.corpus.truth import build_program, list_cases, prove_all, prove_case
from tests.corpus.truth_client import expand

SAMPLE = (
    "clean/abort-noticed",
    "clean/batch-64",
    "clean/finalizer-chain-3",
    "clean/lru-500",
    "clean/slow-30ms",
    "clean/timer-1s",
    "environment/drift",
    "environment/sawtooth",
    "leak/audit-trail",
    "leak/first-answer-wins",
    "leak/one-in-hundred-goroutine",
    "leak/tenth-fails-all-leak",
)
"""One of most kinds, which is what fits into a minute."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go", path=with_go(os.environ)["PATH"])
    assert go is not None
    return build_program(tmp_path_factory.mktemp("corpus"), go)


@pytest.fixture(scope="module")
def cases(program: Path) -> dict[str, dict[str, Any]]:
    return {case["name"]: case for case in list_cases(program)}


def test_a_sample_of_the_declared_truth_is_true(program: Path) -> None:
    proofs = list(prove_all(program, [f"^{re.escape(name)}$" for name in SAMPLE], processes=4))

    assert [proof for proof in proofs if not proof.agrees] == []
    assert sorted(proof.name for proof in proofs) == sorted(SAMPLE)


def test_what_is_declared_falsely_differs(program: Path, cases: dict[str, dict[str, Any]]) -> None:
    nothing = {"leaks": False, "bytes": 0, "objects": 0, "goroutines": 0}
    false = {
        "a leak, half as large": declared(cases["leak/audit-trail"], bytes=8),
        "a leak, with a goroutine more": declared(cases["leak/audit-trail"], goroutines=1),
        "a leak, as clean": declared(cases["leak/first-answer-wins"], **nothing),
        "a drain, as a leak": declared(cases["clean/timer-4s"], leaks=True, bytes=300, objects=3),
        "a status, as none": {**cases["clean/tenth-fails"], "expect": ["2xx"]},
    }

    with ThreadPoolExecutor(len(false)) as pool:
        proofs = dict(
            zip(false, pool.map(lambda case: prove_case(program, case, phases=2), false.values()), strict=True)
        )

    assert [name for name, proof in proofs.items() if proof.agrees] == []
    assert "500" in proofs["a status, as none"].problem


def declared(case: dict[str, Any], **truth: float) -> dict[str, Any]:
    return {**case, "truth": {**case["truth"], **truth}}


def test_there_are_enough_cases_of_each_kind(cases: dict[str, dict[str, Any]]) -> None:
    kinds = Counter(name.split("/")[0] for name in cases)

    assert set(kinds) == {"clean", "leak"}
    assert min(kinds.values()) >= 60
    assert all(case["truth"]["leaks"] == name.startswith("leak/") for name, case in cases.items())


def test_only_leaks_declare_growth_and_each_names_its_function(cases: dict[str, dict[str, Any]]) -> None:
    for name, case in cases.items():
        truth = case["truth"]
        grows = any(truth[signal] > 0 for signal in ("bytes", "objects", "goroutines"))
        assert grows == truth["leaks"], name
        assert bool(truth.get("function")) == truth["leaks"], name


def test_an_unknown_environment_is_refused(program: Path) -> None:
    result = subprocess.run([program, "-environment", "quiet"], capture_output=True, text=True, timeout=30, check=False)

    assert result.returncode != 0
    assert 'no environment "quiet"; expected one of bigheap, breathing' in result.stderr


def test_templates_expand_as_in_goleak_toml() -> None:
    text = expand("/{n}/{choice:a,b}/{random:3,3}/{uuid}/{other}", 7)

    assert re.fullmatch(r"/7/[ab]/3/[0-9a-f-]{36}/\{other\}", text)
