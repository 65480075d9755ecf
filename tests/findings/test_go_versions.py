"""The same causes in profiles that programs of several Go versions gave: stacks differ from version to version."""

from __future__ import annotations

import pytest

from pytest_goleak.findings.attribute import attribute
from pytest_goleak.findings.source import make_reader
from pytest_goleak.pprof.group import growth
from tests.pprof.golden_files import GOLDEN, VERSIONS, profile

CAUSES = {
    "main.sender": "GL001",
    "main.receiver": "GL002",
    "main.selector": "GL003",
    "main.sleeper": "GL033",
    "main.lockMutex": "GL010",
    "main.readLock": "GL010",
    "main.writeLock": "GL010",
    "main.waitGroup": "GL012",
    "main.waitCond": "GL013",
    "main.accept": "GL027",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_goroutines_of_every_version_have_the_same_causes(version):
    before, after = profile(version, "goroutine_before.pb.gz"), profile(version, "goroutine_after.pb.gz")
    grown = growth(before, after, kind="goroutine")
    found = {}
    for each in grown:
        alone = attribute(goroutines=[each, each], heap=[], requests=1, estimates={})
        found |= {finding.function: finding.rule_id for finding in alone.findings}

    assert {function: found.get(function) for function in CAUSES} == CAUSES


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("roots", "rule_id"), [((), "GL200"), ((GOLDEN / "program",), "GL077")])
def test_memory_of_every_version_has_the_same_place_and_with_its_source_the_same_cause(version, roots, rule_id):
    grown = growth(profile(version, "heap_before.pb.gz"), profile(version, "heap_after.pb.gz"), kind="heap")

    first = attribute(goroutines=[], heap=grown, requests=1000, estimates={}, read_source=make_reader(roots)).findings[
        0
    ]

    assert (first.function, first.rule_id) == ("example.com/golden/store.entry", rule_id)
