from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_goleak.model.errors import ConfigError, MalformedProfileError
from pytest_goleak.pprof.combine import diff, merge, pair, scale
from pytest_goleak.pprof.encode import encode
from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.profile import Profile
from pytest_goleak.pprof.ragged import Ragged, intern_rows, join
from pytest_goleak.pprof.select import focus, ignore
from tests.pprof.golden_files import profile
from tests.pprof.profile_strategies import contents, profiles, ragged

# A whole profile takes a while to draw.
FEW = settings(max_examples=40)


def added(*parts: dict[tuple[object, ...], list[int]]) -> dict[tuple[object, ...], list[int]]:
    total: dict[tuple[object, ...], list[int]] = {}
    for part in parts:
        for key, values in part.items():
            total[key] = [a + b for a, b in zip(total.get(key, [0] * len(values)), values, strict=True)]
    return {key: values for key, values in total.items() if any(values)}


@FEW
@given(profiles())
def test_what_was_written_is_read(written: Profile) -> None:
    assert contents(parse(encode(written))) == contents(written)
    # Label strings are numbered by the file, so exact equality is that of a second trip.
    once = parse(encode(written))
    assert parse(encode(once)) == once
    assert parse(encode(once, compress=False)) == once


@FEW
@given(profiles(), profiles())
def test_merge_adds_by_content(a: Profile, b: Profile) -> None:
    assert contents(merge([a, b])) == added(contents(a), contents(b))


@FEW
@given(profiles(), profiles())
def test_merge_is_commutative(a: Profile, b: Profile) -> None:
    assert contents(merge([a, b])) == contents(merge([b, a]))


@FEW
@given(profiles(), profiles(), profiles())
def test_merge_is_associative(a: Profile, b: Profile, c: Profile) -> None:
    assert contents(merge([merge([a, b]), c])) == contents(merge([a, merge([b, c])]))


@FEW
@given(profiles())
def test_merge_leaves_every_stack_once(some: Profile) -> None:
    merged = merge([some, some])
    assert len(merged) == len(contents(merged))
    assert merge([merged]) == merged


@FEW
@given(profiles())
def test_a_profile_does_not_differ_from_itself(some: Profile) -> None:
    nothing = diff(some, some)
    assert len(nothing) == 0
    assert len(nothing.locations) == 0
    assert nothing.functions == ()


@FEW
@given(profiles(), profiles())
def test_diff_undoes_merge(a: Profile, b: Profile) -> None:
    assert contents(diff(a, merge([a, b]))) == contents(b)


@FEW
@given(profiles(), st.integers(-50, 50).filter(bool))
def test_scale_multiplies_every_value(some: Profile, factor: int) -> None:
    expected = {key: [value * factor for value in values] for key, values in contents(some).items()}
    assert contents(scale(some, factor)) == expected


def test_scale_rounds_half_away_from_zero_and_drops_zeros() -> None:
    some = Profile(
        value_types=profile("go1.26", "goroutine_after.pb.gz").value_types,
        values=np.array([[1], [-1], [3], [0]]),
        stacks=ragged([[], [], [], []]),
        labels=profile("go1.26", "goroutine_after.pb.gz").labels.take(np.zeros(4, dtype=np.int64)),
        locations=profile("go1.26", "goroutine_after.pb.gz").locations,
    )
    assert scale(some, 0.5).values.ravel().tolist() == [1, -1, 2]
    assert scale(some, 0.25).values.ravel().tolist() == [1]
    assert scale(some, 1) is some


@FEW
@given(profiles(), profiles())
def test_pair_puts_both_side_by_side(a: Profile, b: Profile) -> None:
    both = contents(pair(a, b))
    width = len(a.value_types)
    assert {key: values[:width] for key, values in both.items() if any(values[:width])} == contents(a)
    assert {key: values[width:] for key, values in both.items() if any(values[width:])} == contents(b)


def test_profiles_of_different_kinds_are_not_compared() -> None:
    heap, goroutines = profile("go1.26", "heap_after.pb.gz"), profile("go1.26", "goroutine_after.pb.gz")
    with pytest.raises(MalformedProfileError, match=r"measure different things.*goroutine/count.*inuse_space"):
        diff(heap, goroutines)
    with pytest.raises(MalformedProfileError, match="at least one"):
        merge([])


def test_merge_combines_headers_like_pprof() -> None:
    before, after = profile("go1.26", "heap_before.pb.gz"), profile("go1.26", "heap_after.pb.gz")
    merged = merge([after, before])
    assert merged.time_nanos == before.time_nanos
    assert merged.period == 4096
    assert merged.default_sample_type == before.default_sample_type


def test_columns_are_read_only() -> None:
    some = profile("go1.26", "heap_after.pb.gz")
    for column in (some.values, some.stacks.items, some.locations.addresses, some.labels.numbers):
        with pytest.raises(ValueError, match="read-only"):
            column[...] = 0


@given(st.lists(st.lists(st.integers(-3, 3), max_size=3)))
def test_interned_rows_are_numbered_by_first_appearance(rows: list[list[int]]) -> None:
    distinct = list(dict.fromkeys(map(tuple, rows)))
    numbers, first = intern_rows(ragged(rows))
    assert [distinct[number] for number in numbers] == [tuple(row) for row in rows]
    assert [tuple(rows[row]) for row in first] == distinct


@given(
    st.lists(st.tuples(*[st.lists(st.integers(), max_size=3).filter(lambda row: all(abs(x) < 2**63 for x in row))] * 2))
)
def test_join_concatenates_row_by_row(rows: list[tuple[list[int], list[int]]]) -> None:
    joined = join([ragged([a for a, _ in rows]), ragged([b for _, b in rows])])
    assert [joined.row(number).tolist() for number in range(len(rows))] == [a + b for a, b in rows]


@given(st.lists(st.lists(st.booleans(), max_size=3), min_size=1), st.data())
def test_take_and_any_follow_the_rows(rows: list[list[bool]], data: st.DataObject) -> None:
    table = ragged([[int(flag) for flag in row] for row in rows])
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    taken = table.take(np.array(chosen, dtype=np.int64))
    assert [taken.row(number).tolist() for number in range(len(chosen))] == [rows[number] for number in chosen]
    assert table.any(table.items.astype(np.bool_)).tolist() == [any(row) for row in rows]
    assert Ragged.empty(3) == ragged([[], [], []])


def functions_in(some: Profile) -> set[str]:
    frames = some.frames()
    return {frame.function for number in set(some.stacks.items.tolist()) for frame in frames[number]}


@pytest.mark.parametrize("pattern", ["store", r"main\.go$", r"^main\.recurse$", "nothing of that name"])
def test_focus_and_ignore_split_a_profile(pattern: str) -> None:
    whole = profile("go1.27", "heap_after.pb.gz")
    inside, outside = focus(whole, pattern), ignore(whole, pattern)
    assert added(contents(inside), contents(outside)) == contents(whole)
    assert not contents(inside).keys() & contents(outside).keys()
    if pattern == "^main\\.recurse$":
        assert 0 < len(inside) < len(whole)
        assert "main.recurse" not in functions_in(outside)
    if pattern.startswith("nothing"):
        assert len(inside) == 0


def test_focus_matches_the_binary() -> None:
    whole = profile("go1.27", "heap_after.pb.gz")
    assert len(focus(whole, "^/srv/golden/golden$")) == len(whole)


def test_a_bad_pattern_is_explained() -> None:
    with pytest.raises(ConfigError, match=r"focus: '\(' is not a regular expression"):
        focus(profile("go1.27", "heap_after.pb.gz"), "(")
