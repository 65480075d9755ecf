"""Cases of the corpus: read, chosen, and made a user's configuration."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.accuracy.cases import Case, Corpus, Truth, case_of, holds_for, plan_of, spread
from benchmarks.accuracy.run import batches
from pytest_goleak.model.plan import ClientMode, LoadPlan, MeasurePlan

CASE = Case(
    name="leak/a",
    category="heap",
    path="/leak/a?key={n}",
    method="POST",
    headers={"X-Id": "{uuid}"},
    body="x",
    expect=("500", "2xx"),
    mode="abort",
    truth=Truth(leaks=True, bytes=64, function="main.a", causes=("GL060",)),
)
TARGET = {"command": ["corpus", "-addr", "127.0.0.1:{port}"], "cwd": "/srv", "ready": "/health"}


def many(count=90):
    return [
        Case(
            name=f"{number:03}",
            category=f"category {number % 7}",
            environment="busy" if number % 10 == 0 else "plain",
            path="/",
            truth=Truth(leaks=number % 3 == 0),
        )
        for number in range(count)
    ]


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_case_is_read_from_the_services_list():
    data = {
        "name": "leak/a", "category": "heap", "environment": "plain", "method": "POST", "path": "/leak/a?key={n}",
        "headers": {"X-Id": "{uuid}"}, "body": "x", "expect": ["500", "2xx"], "mode": "abort",
        "truth": {
            "leaks": True, "bytes": 64, "objects": 0, "goroutines": 0, "function": "main.a", "causes": ["GL060"],
        },
    }  # fmt: skip

    assert case_of(data) == CASE


def test_a_key_that_is_not_known_is_an_error():
    with pytest.raises(TypeError, match="colour"):
        case_of({"name": "a", "category": "b", "path": "/", "truth": {"colour": 1}})


@pytest.mark.parametrize(
    ("versions", "holds"),
    [
        ("", True),
        (">=1.24", True),
        (">=1.26", True),
        (">=1.26.9", False),
        ("<1.26", False),
        ("<=1.26", True),
        (">1.26", False),
        (">=1.21, <1.27", True),
        (">=1.21,<1.23", False),
        ("==1.26", True),
        ("<1.100", True),
    ],
)
def test_versions(versions, holds):
    assert holds_for("go version go1.26.8 linux/amd64", versions) is holds


def test_conditions_that_cannot_be_read_are_named():
    with pytest.raises(ValueError, match=r"'~1\.24' is no condition"):
        holds_for("go1.26.8", "~1.24")
    with pytest.raises(ValueError, match="'devel' names no version"):
        holds_for("devel", ">=1.24")


# --- choosing -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 120), st.integers(0, 50))
def test_a_sample_is_spread_and_the_same_for_the_same_seed(count, seed):
    cases = many()
    chosen = spread(cases, count, seed=seed)

    assert len(chosen) == min(count, len(cases))
    assert chosen == spread(cases, count, seed=seed) == [each for each in cases if each in chosen]
    leaking = sum(each.truth.leaks for each in chosen)
    assert abs(leaking - len(chosen) / 3) <= 1


def test_another_seed_is_another_sample():
    assert spread(many(), 10, seed=1) != spread(many(), 10, seed=2)


def test_every_case_is_judged_once_for_every_seed_and_concurrency():
    corpus = Corpus(cases=tuple(many()), targets={"plain": TARGET, "busy": TARGET})
    planned = batches(corpus, concurrency=[1, 16], seeds=[3, 5], parts=2)

    counted = Counter((case.name, each.concurrency, each.seed) for each in planned for case in each.cases)
    assert len(counted) == 90 * 4
    assert set(counted.values()) == {1}
    assert all(len({case.environment for case in each.cases}) == 1 for each in planned)
    assert len(planned) == 2 * 2 * 2 * 2


def test_what_is_done_is_left_out():
    corpus = Corpus(cases=tuple(many(2)), targets={"plain": TARGET, "busy": TARGET})
    done = {("pytest-goleak", "001", 16, 1), ("goroutine counts", "000", 16, 1)}

    [left] = batches(corpus, concurrency=[16], seeds=[1], done=done)

    assert [each.name for each in left.cases] == ["000"]


# --- the configuration ----------------------------------------------------------------------------------------------


def test_a_case_becomes_what_a_user_would_configure():
    plan = plan_of(TARGET, [CASE], concurrency=16, seed=7)
    [endpoint] = plan.endpoints

    assert (endpoint.name, endpoint.method, endpoint.path) == ("leak/a", "POST", "/leak/a?key={n}")
    assert (endpoint.body, endpoint.expect, endpoint.mode) == ("x", ("500", "2xx"), ClientMode.ABORT)
    assert endpoint.headers == {"X-Id": "{uuid}"}
    assert endpoint.measure == MeasurePlan(seed=7)
    assert endpoint.load == LoadPlan()  # the default is not fixed: slow endpoints get more connections
    assert plan.target.is_started_by_us


def test_another_concurrency_is_fixed():
    [endpoint] = plan_of(TARGET, [CASE], concurrency=1, seed=1).endpoints

    assert (endpoint.load.concurrency, endpoint.load.is_fixed) == (1, True)
