"""A service that was written to be judged by somebody who had seen neither the engine nor its corpus, as cases."""

from __future__ import annotations

import json
import subprocess

from benchmarks.accuracy.cases import Case, Corpus, truth_of
from benchmarks.machine import ROOT

__all__ = ["CATEGORY", "build_storefront"]

HERE = ROOT / "tests" / "corpus" / "storefront"
PROGRAM = ROOT / ".build" / "storefront"
CATEGORY = "storefront"


def build_storefront() -> Corpus:
    """Build the service, and return its endpoints as cases.

    Raises:
        subprocess.CalledProcessError: it can't be built.

    """
    subprocess.run(["go", "build", "-o", str(PROGRAM), "."], cwd=HERE, check=True)
    cases = tuple(
        Case(
            name=f"{CATEGORY}/{each['name']}",
            category=CATEGORY,
            environment=CATEGORY,
            path=each["path"],
            truth=truth_of(each["truth"]),
        )
        for each in json.loads((HERE / "truth.json").read_text())
    )
    target = {"command": [str(PROGRAM)], "cwd": str(HERE), "env": {"PORT": "{port}"}, "ready": "/geo/lookup"}
    return Corpus(cases=cases, targets={CATEGORY: target})
