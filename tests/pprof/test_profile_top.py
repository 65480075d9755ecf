from __future__ import annotations

from pathlib import Path

import pytest

from pytest_goleak.pprof.combine import diff
from pytest_goleak.pprof.encode import encode
from pytest_goleak.pprof.measurement import common_unit, label, percentage
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.select import focus, ignore
from pytest_goleak.pprof.top import render_top, top
from tests.pprof.go_pprof import go_pprof
from tests.pprof.golden_files import GOLDEN, VERSIONS, check_golden, profile


def without_time(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("Time: "))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("cum", [False, True])
@pytest.mark.parametrize("value", ["inuse_space", "alloc_objects"])
def test_the_heap_table_is_that_of_go(version: str, value: str, *, cum: bool) -> None:
    expected = go_pprof(
        "-top", f"-sample_index={value}", *(["-cum"] if cum else []), GOLDEN / version / "heap_after.pb.gz"
    )
    actual = render_top(top(profile(version, "heap_after.pb.gz"), value=value, cum=cum))
    assert actual == expected
    assert actual.count("\n") > 10


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["heap", "goroutine"])
def test_the_table_of_a_difference_is_that_of_go(version: str, kind: str) -> None:
    folder = GOLDEN / version
    expected = go_pprof("-top", "-base", folder / f"{kind}_before.pb.gz", folder / f"{kind}_after.pb.gz")
    difference = diff(profile(version, f"{kind}_before.pb.gz"), profile(version, f"{kind}_after.pb.gz"))
    assert render_top(top(difference)) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_go_opens_what_we_write_and_sees_the_same(version: str, tmp_path: Path) -> None:
    difference = diff(profile(version, "heap_after.pb.gz"), profile(version, "heap_before.pb.gz"))
    assert (difference.values < 0).any()
    path = tmp_path / "diff.pb.gz"
    path.write_bytes(encode(difference))
    assert go_pprof("-top", path) == render_top(top(parse(path.read_bytes())))


@pytest.mark.parametrize("option", ["focus", "ignore"])
def test_focused_figures_are_those_of_go(option: str) -> None:
    whole = profile("go1.27", "heap_after.pb.gz")
    expected = go_pprof("-top", f"-{option}=store", GOLDEN / "go1.27" / "heap_after.pb.gz")
    selected = (focus if option == "focus" else ignore)(whole, "store")
    filters = f"Active filters:\n   {option}=store\n"
    assert filters in expected
    assert render_top(top(selected, total=top(whole).total)) == expected.replace(filters, "")


def test_the_header_names_binary_type_and_time() -> None:
    header = render_top(top(profile("go1.27", "heap_after.pb.gz"))).splitlines()[:3]
    assert header[:2] == ["File: golden", "Type: inuse_space"]
    assert header[2].startswith("Time: 20")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tables_are_as_recorded(version: str) -> None:
    heap = profile(version, "heap_after.pb.gz")
    tables = {
        "flat": render_top(top(heap)),
        "cum": render_top(top(heap, cum=True)),
        "alloc": render_top(top(heap, value="alloc_space"), limit=5),
        "diff": render_top(top(diff(profile(version, "heap_before.pb.gz"), heap))),
        "goroutines": render_top(top(profile(version, "goroutine_after.pb.gz"), cum=True)),
    }
    check_golden(version, "top.txt", "\n".join(f"== {name}\n{without_time(text)}" for name, text in tables.items()))


def test_recursion_counts_once() -> None:
    result = top(profile("go1.27", "heap_after.pb.gz"), value="inuse_objects")
    recursive = next(row for row in result.rows if row.function == "main.recurse")
    # Every node of the tree is held by a stack of one to thirteen calls of the function.
    assert recursive.cum == recursive.flat > 0


def test_an_empty_profile_has_an_empty_table() -> None:
    heap = profile("go1.27", "heap_after.pb.gz")
    nothing = diff(heap, heap)
    assert top(nothing).rows == ()
    assert "Showing nodes accounting for 0, 0% of 0 total" in render_top(top(nothing))


def test_a_limited_table_says_so() -> None:
    result = top(profile("go1.27", "heap_after.pb.gz"))
    assert f"Showing top 3 nodes out of {len(result.rows)}" in render_top(result, limit=3)


@pytest.mark.parametrize(
    ("value", "unit", "to_unit", "expected"),
    [
        (0, "bytes", "auto", "0"),
        (1, "bytes", "auto", "1B"),
        (1536, "bytes", "auto", "1.50kB"),
        (-3 * 2**20, "bytes", "auto", "-3MB"),
        (3 * 2**20, "bytes", "kilobytes", "3072kB"),
        (1, "bytes", "GB", "0"),
        (7, "count", "auto", "7"),
        (7, "goroutines", "auto", "7"),
        (7, "widgets", "widgets", "7widgets"),
        (1_500_000_000, "nanoseconds", "auto", "1.50s"),
        (90, "minutes", "auto", "90"),
        (7200, "seconds", "auto", "2hrs"),
    ],
)
def test_labels_are_those_of_pprof(value: int, unit: str, to_unit: str, expected: str) -> None:
    assert label(value, unit, to_unit) == expected


@pytest.mark.parametrize(
    ("value", "total", "expected"),
    [
        (1, 0, "    0%"),
        (1, 1, "  100%"),
        (9996, 10000, "  100%"),
        (-5, 10, "50.00%"),
        (1, 3000, "0.033%"),
        (1, 10**9, "1e-07%"),
    ],
)
def test_percentages_are_those_of_pprof(value: int, total: int, expected: str) -> None:
    assert percentage(value, total) == expected


def test_the_unit_suits_the_smallest_and_the_largest() -> None:
    assert common_unit(100, 1000, "bytes") == "B"
    assert common_unit(2000, 2**30, "bytes") == "kB"
    assert common_unit(0, 2**21, "bytes") == "MB"
    assert common_unit(3, 4000, "count") == "count"
