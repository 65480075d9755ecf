"""The reference is complete and true: options, keys, defaults, marker, fixtures, hooks, errors, rules."""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest
from pydantic import BaseModel

import pytest_goleak
from pytest_goleak.config.schema import (
    AuthTable,
    EndpointTable,
    IgnoreTable,
    LoadKeys,
    MeasureKeys,
    ShapeKeys,
    Table,
    TargetTable,
    ToleranceTable,
)
from pytest_goleak.model import errors
from pytest_goleak.model.growth import Point
from pytest_goleak.model.plan import ClientMode, Endpoint, LoadPlan, MeasurePlan, TargetPlan, Tolerance
from pytest_goleak.model.report import EndpointReport, Finding, Outcome, SignalEstimate
from pytest_goleak.model.units import parse_duration, parse_size
from pytest_goleak.plugin import fixtures, hookspecs, outcome
from pytest_goleak.plugin.marker import ARGUMENTS
from pytest_goleak.plugin.options import OPTIONS
from pytest_goleak.session import compare
from pytest_goleak.stats import design
from tests.docs import rule_table
from tests.docs.pages import ROOT, blocks, name_of, pages, read, rows, section

LATER = {"grpc", "message", "protoset"}
TABLES: dict[str, type[Table]] = {
    "## `[target]`": TargetTable,
    "## `[auth]`": AuthTable,
    "## `[load]`": LoadKeys,
    "## `[measure]`": MeasureKeys,
    "## `[[endpoints]]`": EndpointTable,
    "## `[[ignore]]`": IgnoreTable,
}


def code(cell: str) -> str:
    match = re.match(r"`([^`]+)`", cell)
    return match[1] if match else ""


def first_words(text: str) -> list[str]:
    return [code(cells[0]) for cells in rows(text) if code(cells[0])]


def defaults(heading: str) -> dict[str, str]:
    table = section(read("docs/reference/configuration.md"), heading)
    return {code(cells[0]): code(cells[2]).strip('"') for cells in rows(table) if len(cells) == 4}


# --- options --------------------------------------------------------------------------------------------------------


def test_every_option_is_in_the_table_with_its_ini_name():
    table = {
        code(cells[0]): (code(cells[1]), code(cells[0]).partition(" ")[2])
        for cells in rows(read("docs/reference/options.md"))
        if cells[0].startswith("`--goleak")
    }

    assert {flag.partition(" ")[0]: cells for flag, cells in table.items()} == {
        f"--{option.name}": (option.dest, option.metavar or "") for option in OPTIONS
    }


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_only_options_that_exist_are_named(page):
    named = set(re.findall(r"--goleak[a-z-]*", page.read_text(encoding="utf-8")))

    assert named <= {f"--{option.name}" for option in OPTIONS}


def test_commands_use_options():
    commands = [line for block in (*blocks("console"), *blocks("yaml")) for line in block.text.split("\n")]
    assert sum("pytest --goleak" in line for line in commands) > 10


def test_option_defaults():
    stated = {code(cells[0]).partition(" ")[0]: code(cells[2]) for cells in rows(read("docs/reference/options.md"))}

    assert parse_duration(stated["--goleak-budget"]) == MeasurePlan().budget_s
    assert int(stated["--goleak-seed"]) == MeasurePlan().seed
    assert stated["--goleak-load"] == LoadPlan().driver


# --- goleak.toml ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("heading", "table"), TABLES.items(), ids=TABLES)
def test_every_key_has_its_row(heading: str, table: type[BaseModel]):
    keys = {field.alias or name for name, field in table.model_fields.items()} - LATER
    if table is EndpointTable:
        keys -= set(ShapeKeys.model_fields)
    text = section(read("docs/reference/configuration.md"), heading)
    listed = [code(cells[0]) for cells in rows(text) if len(cells) == 4]

    assert sorted(key for key in listed if key) == sorted(keys)


def test_keys_of_later_versions_are_named():
    text = section(read("docs/reference/configuration.md"), "## Not in this version")

    assert all(f"`{key}`" in text for key in LATER)


def test_defaults_of_the_target():
    stated, plan = defaults("## `[target]`"), TargetPlan()

    assert stated["ready"] == plan.ready
    assert stated["pprof"] == plan.pprof
    assert int(stated["memprofilerate"]) == plan.memprofilerate
    assert parse_duration(stated["startup_timeout"]) == plan.startup_timeout_s
    assert parse_duration(stated["build_timeout"]) == plan.build_timeout_s
    assert parse_duration(stated["timeout"]) == plan.timeout_s
    assert parse_size(stated["max_response"]) == plan.max_response_bytes


def test_defaults_of_load_and_measure():
    load, measure = defaults("## `[load]`"), defaults("## `[measure]`")

    assert load["driver"] == LoadPlan().driver
    assert int(load["concurrency"]) == LoadPlan().concurrency
    assert (load["keep_alive"] == "true") is LoadPlan().keep_alive
    assert parse_duration(load["timeout"]) == LoadPlan().timeout_s
    assert parse_duration(measure["budget"]) == MeasurePlan().budget_s
    assert int(measure["seed"]) == MeasurePlan().seed
    stated = dict(re.findall(r"(\w+) = ([\d.]+)", measure["tolerance"]))
    assert {key: float(figure) for key, figure in stated.items()} == dataclasses.asdict(Tolerance())
    assert set(stated) == set(ToleranceTable.model_fields)


def test_defaults_of_endpoints():
    stated = defaults("## `[[endpoints]]`")

    assert stated["method"] == Endpoint(name="").method
    assert re.findall(r'"(\w+)"', f'"{stated["expect"]}"') == list(Endpoint(name="").expect)
    assert stated["mode"] == Endpoint(name="").mode


def test_every_client_mode_is_described():
    text = section(read("docs/reference/configuration.md"), "## `[[endpoints]]`")

    assert {code(cells[0]) for cells in rows(text) if len(cells) == 2} >= set(ClientMode)


# --- Python ---------------------------------------------------------------------------------------------------------


def test_every_marker_argument_is_described():
    text = section(read("docs/reference/python.md"), "## `@pytest.mark.goleak(...)`")

    assert sorted(first_words(text)) == sorted(ARGUMENTS)


def test_every_fixture_is_described():
    text = section(read("docs/reference/python.md"), "## Fixtures")

    assert sorted(first_words(text)) == sorted(fixtures.__all__)


def test_report_attributes_exist():
    text = section(read("docs/reference/python.md"), "## `EndpointReport`")
    known = {name for kind in (EndpointReport, Finding, Point, SignalEstimate) for name in attributes(kind)}
    named = {name for cells in rows(text) for name in re.findall(r"`(\w+)`", " ".join(cells))}

    assert named <= known
    assert {"outcome", "findings", "signals", "reason", "artifacts", "is_clean"} <= named


def test_every_exported_name_is_listed():
    text = section(read("docs/reference/python.md"), "## Exported names")
    named = [name for cells in rows(text) for name in re.findall(r"`(\w+)`", cells[1])]

    assert sorted(named) == sorted(pytest_goleak.__all__)


def attributes(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)} | {
        name for name, member in inspect.getmembers(kind) if isinstance(member, property)
    }


def test_every_hook_is_described_with_its_arguments():
    hooks = inspect.getmembers(hookspecs, lambda member: inspect.isfunction(member) and "pytest_" in member.__name__)

    assert sorted(first_words(read("docs/reference/hooks.md"))) == sorted(
        f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in hooks
    )


def test_the_error_tree_is_the_codes():
    [tree] = blocks("text", page="docs/reference/errors.md")
    assert errors.__doc__ is not None
    drawn = inspect.cleandoc(errors.__doc__).partition("::\n\n")[2].partition("\n\nMessages")[0]

    assert tree.text.rstrip("\n") == inspect.cleandoc(drawn)


def test_errors_of_the_shell_are_described():
    text = read("docs/reference/errors.md")

    for name in outcome.__all__:
        if name[0].isupper():
            assert f"`{name}`" in text


# --- outcomes, rules, figures ---------------------------------------------------------------------------------------


def test_every_outcome_is_described():
    assert first_words(section(read("docs/reference/outcomes.md"), "## Four outcomes")) == [
        "clean",
        "leak",
        "inconclusive",
        "error",
    ]
    assert len(Outcome) == 4


def test_the_share_of_an_unchanged_leak():
    assert f"{compare.SAME_SHARE:.0%}".replace("%", " %") in read("docs/reference/outcomes.md")


def test_the_table_of_rules_is_current():
    text = read("docs/reference/rules.md")
    written = text.partition(rule_table.BEGIN)[2].partition(rule_table.END)[0]

    assert written == rule_table.table(), "run: python -m tests.docs.rule_table"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_only_rules_that_exist_are_named(page):
    known = {rule.id for rule in rule_table.all_rules()} | {"GL000"}

    assert set(re.findall(r"\bGL\d{3}\b", page.read_text(encoding="utf-8"))) <= known


def test_the_figures_of_the_method_are_the_codes():
    text = read("docs/explanation/verdict.md")

    assert f"{100 * design.ALPHA:.2g} %** for one endpoint" in text
    assert f"At most {design.MAX_SUSPICIONS} blocks" in text
    assert design.BLOCK_ROUNDS == 10
    assert "A block is ten rounds" in text
    assert round(design.SUSPICION_LEVEL * 252) == 6
    thresholds = design.Thresholds(Tolerance())
    alarm = [thresholds.alarm(signal) for signal in design.Signal]
    floor = [thresholds.floor(signal) for signal in design.Signal]
    assert "8 B, 0.005 objects, 0.001 goroutines" in text
    assert alarm == pytest.approx([8, 0.005, 0.001])
    assert "32 KiB, 64 objects, 2 goroutines" in text
    assert floor == [32 * 1024, 64, 2]


def test_the_architecture_fits_a_screen_and_names_every_folder():
    text = read("ARCHITECTURE.md")
    folders = {each.parent.name for each in (ROOT / "pytest_goleak").glob("*/__init__.py")}

    assert len(text.splitlines()) <= 60
    assert all(re.search(rf"\b{folder}\b", text) for folder in folders)
