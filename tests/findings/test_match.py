from __future__ import annotations

import fnmatch
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_goleak.findings.match import apply, is_glob_match
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import IgnoreRule
from pytest_goleak.model.report import Finding

TODAY = date(2026, 11, 22)
FINDING = Finding(
    rule_id="GL001",
    kind="goroutine",
    function="main.(*cache).put",
    file="main.go",
    line=41,
    per_request=1.0,
    unit="goroutines",
    created_by="main.handler",
    stack=(
        "runtime.gopark /usr/local/go/src/runtime/proc.go:462",
        "sync.(*Mutex).Lock /usr/local/go/src/sync/mutex.go:1",
        "main.Map[go.shape.struct { A int }] /home/a b/map.go:7",
        "main.(*cache).put main.go:41",
    ),
)


def covered(**patterns) -> bool:
    (finding,) = apply([FINDING], [IgnoreRule(reason="TICKET-1", **patterns)], today=TODAY).findings
    return finding.ignored_by == "TICKET-1"


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("main.(*cache).put", "main.(*cache).put", True),
        ("main.(*cache).put", "main.(xcache).put", True),
        ("main.*", "main.(*cache).put", True),
        ("main.(?cache).put", "main.(*cache).put", True),
        ("main.Map[...]", "main.Map[...]", True),
        ("main.Map[...]", "main.Map.", False),
        ("main.[ab]", "main.a", False),
        ("*.put", "main.(*cache).put", True),
        ("put", "main.(*cache).put", False),
        ("main.h", "main.handler", False),
    ],
)
def test_globs_know_gos_names(pattern, name, expected):
    assert is_glob_match(pattern, name) is expected


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ({"function": "main.(*cache).put"}, True),
        ({"function": "main.handler"}, True),
        ({"function": "sync.(*Mutex).Lock"}, True),
        ({"function": "main.Map*"}, False),
        ({"top_function": "sync.(*Mutex).Lock"}, True),
        ({"top_function": "runtime.gopark"}, True),
        ({"top_function": "main.(*cache).put"}, False),
        ({"any_function": "main.Map[go.shape.struct { A int }]"}, True),
        ({"any_function": "main.handler"}, False),
        ({"created_by": "main.hand*"}, True),
        ({"created_by": "main.(*cache).put"}, False),
        ({"function": "main.(*cache).put", "created_by": "main.other"}, False),
        ({"any_function": "*.put", "created_by": "main.handler"}, True),
        ({}, False),
    ],
)
def test_all_patterns_of_a_rule_must_match(patterns, expected):
    assert covered(**patterns) is expected


def test_a_rule_applies_on_its_last_day_and_not_after():
    rules = [
        IgnoreRule(function="main.*", reason="today", expires=TODAY.isoformat()),
        IgnoreRule(function="main.*", reason="yesterday", expires=(TODAY - timedelta(days=1)).isoformat()),
    ]

    matched = apply([FINDING], rules, today=TODAY)

    assert [finding.ignored_by for finding in matched.findings] == ["today"]
    assert matched.expired == (rules[1],)
    assert matched.unused == ()


def test_rules_that_match_nothing_are_named():
    used, unused = IgnoreRule(function="main.*", reason="1"), IgnoreRule(function="other.*", reason="2")

    matched = apply([FINDING], [unused, used], today=TODAY)

    assert matched.unused == (unused,)
    assert apply([], [used], today=TODAY).unused == (used,)


def test_a_date_that_is_none_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match=r"'soon'.*2027-01-31"):
        apply([], [IgnoreRule(function="x", reason="r", expires="soon")], today=TODAY)


def beside_an_accepted_goroutine(*, per_request: float, user_frames: tuple[int, ...] = ()) -> str | None:
    memory = Finding(
        rule_id="GL202",
        kind="heap",
        function="net/http.(*conn).serve",
        file="server.go",
        line=1,
        per_request=per_request,
        unit="B",
        user_frames=user_frames,
    )
    rules = [IgnoreRule(function="main.(*cache).put", reason="TICKET-1")]
    return apply([FINDING, memory], rules, today=TODAY).findings[1].ignored_by


def test_a_little_memory_of_a_library_goes_with_the_goroutines_that_hold_it():
    assert beside_an_accepted_goroutine(per_request=96.0) == "TICKET-1"


def test_more_memory_than_goroutines_account_for_is_a_leak_of_its_own():
    assert beside_an_accepted_goroutine(per_request=600.0) is None


def test_memory_of_the_users_own_code_is_never_accepted_with_another_place():
    assert beside_an_accepted_goroutine(per_request=96.0, user_frames=(0,)) is None


text = st.text(alphabet="ab.(*)?[]/", max_size=12)


@given(text)
def test_every_name_matches_itself(name):
    assert is_glob_match(name, name)


@given(text, text)
def test_globs_agree_with_fnmatch_where_there_are_no_brackets(pattern, name):
    assume("[" not in pattern)

    assert is_glob_match(pattern, name) == (pattern == name or fnmatch.fnmatchcase(name, pattern))


@given(st.lists(text.filter(bool), max_size=4), st.lists(text.filter(bool), max_size=4))
def test_findings_keep_their_order_and_rules_end_up_used_or_unused(functions, patterns):
    findings = [
        Finding(rule_id="GL200", kind="heap", function=each, file="", line=0, per_request=1, unit="B")
        for each in functions
    ]
    rules = [IgnoreRule(function=pattern, reason=pattern) for pattern in patterns]

    matched = apply(findings, rules, today=TODAY)

    assert [finding.function for finding in matched.findings] == functions
    used = {rule for rule in rules if any(is_glob_match(rule.function, each) for each in functions)}
    assert set(rules) - set(matched.unused) == used
