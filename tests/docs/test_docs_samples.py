"""Sample output is what today's code prints for the run that it was taken from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import simulation
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.report import terminal
from pytest_goleak.report.jsondoc import from_dict
from tests.docs.pages import blocks

LEFT_OUT = "…"
SHOWN = "GET /leak/channel"


@pytest.fixture(scope="module")
def printed() -> list[str]:
    document = json.loads(Path(__file__).with_name("readme_run.json").read_text(encoding="utf-8"))
    run = from_dict(document)
    [shown] = [each for each in run.endpoints if each.name == SHOWN]
    failure = terminal.render_endpoint(shown, tolerance=Tolerance()).split("\n")
    return [*failure, *(line for line, _ in terminal.summary(run))]


def test_the_readme_shows_what_is_printed(printed: list[str]):
    [block] = blocks("text", page="README.md")
    lines = block.text.rstrip("\n").split("\n")

    rest = iter(printed)
    missing = [line for line in lines if line != LEFT_OUT and line not in rest]

    assert not missing, "render tests/docs/readme_run.json again and paste"
    assert lines.count(LEFT_OUT) == 1
    assert lines[-1] == printed[-1]


def test_the_readme_leaves_out_only_what_it_marks(printed: list[str]):
    [block] = blocks("text", page="README.md")
    shown_failure, shown_summary = block.text.rstrip("\n").split(f"\n{LEFT_OUT}\n")

    assert printed[: len(shown_failure.split("\n"))] == shown_failure.split("\n")
    assert printed[-len(shown_summary.split("\n")) :] == shown_summary.split("\n")


def test_the_tutorial_shows_what_is_printed(printed: list[str]):
    known = [squeezed(line) for line in printed]
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
