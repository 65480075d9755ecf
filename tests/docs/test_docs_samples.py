"""Sample output is what today's code prints for the run that it was taken from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import simulation
from tests.docs.pages import blocks, read
from tests.docs.readme_sample import KEPT, LEFT_OUT, printed, sample, shortened


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return kept


def test_the_readme_shows_what_is_printed(document: dict[str, Any]):
    [block] = blocks("text", page="README.md")

    assert block.text == sample(document), "run: python -m tests.docs.readme_sample"


def test_the_sample_names_no_place_of_the_machine_it_ran_on():
    places = set(re.findall(r'"(/[^"\s:]+\.go)', KEPT.read_text(encoding="utf-8")))

    assert all(place.startswith(("/home/dev/service/", "/usr/local/go/src/")) for place in places)


def test_paths_are_shortened(tmp_path: Path):
    report = {
        "endpoints": [
            {"name": "x", "findings": [{"file": f"{tmp_path}/a.go"}, {}], "reproduce": ["y"], "artifacts": {}}
        ]
    }

    [endpoint] = shortened(json.dumps(report), tmp_path)["endpoints"]

    assert endpoint == {"name": "x", "findings": [{"file": "/home/dev/service/a.go"}], "reproduce": [], "artifacts": {}}


def test_the_tutorial_shows_what_is_printed(document: dict[str, Any]):
    known = [squeezed(line) for part in printed(document) for line in part]
    for block in blocks("text", page="docs/tutorial/first-leak.md"):
        for line in block.text.rstrip("\n").split("\n"):
            if line.endswith(LEFT_OUT):
                assert re.fullmatch(r"clean GET /\w+/\w+ …", squeezed(line))
            else:
                assert squeezed(line) in known


def squeezed(line: str) -> str:
    return re.sub(r"\s+", " ", line.strip())


def test_the_simulations_table_names_every_model():
    [block] = [each for each in blocks("text", page="docs/explanation/verdict.md") if "Wilson" in each.text]
    rows = {match[1]: match for match in re.finditer(r"^(\S.*?)  +(\d+) +(\d+) +(\d+)  ", block.text, re.MULTILINE)}

    assert list(rows) == [*simulation.CLEAN, "all clean", *simulation.LEAKING, "all leaking"]
    for name, match in rows.items():
        models = {"all clean": len(simulation.CLEAN), "all leaking": len(simulation.LEAKING)}.get(name, 1)
        assert sum(int(count) for count in match.groups()[1:]) == 40 * models


def test_the_readme_has_the_figures_of_the_scoreboard():
    scoreboard, readme = read("docs/explanation/accuracy.md"), squeezed(read("README.md"))
    ours = re.search(r"\| \*\*all\*\* \| (?P<found>\d+ of \d+) \| (?P<alarms>\d+) of (?P<clean>\d+) ", scoreboard)
    by_hand = re.search(r"\| by hand: > 1024 .*? \| (?P<found>\d+)\.\d % .*? \| (?P<alarms>\d+)\.\d % ", scoreboard)

    assert ours is not None
    assert ours["alarms"] == "0"
    assert f"it found {ours['found']} leaks" in readme
    assert f"no false alarm in {ours['clean']} clean trials" in readme
    assert by_hand is not None
    assert f"found {by_hand['found']} % of these leaks, and called {by_hand['alarms']} % of the clean" in readme
