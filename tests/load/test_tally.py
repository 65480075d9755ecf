from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.load.tally import Tally
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob

answers = st.lists(st.tuples(st.sampled_from([0, 200, 302, 404, 500]), st.floats(0, 10)), max_size=30)
errors = st.lists(st.sampled_from(["refused", "reset"]), max_size=30)


def job(requests: int) -> LoadJob:
    return LoadJob(endpoint=Endpoint(name="x"), base_url="http://h", requests=requests, concurrency=1)


def tally(answered: list[tuple[int, float]], failed: list[str]) -> Tally:
    counts = Tally()
    for status, latency_s in answered:
        counts.add_answer(status, latency_s)
    for text in failed:
        counts.add_error(text)
    return counts


@given(answers, errors, st.integers(0, 20))
def test_every_planned_request_is_an_answer_or_an_error(
    answered: list[tuple[int, float]], failed: list[str], unsent: int
) -> None:
    plan = job(len(answered) + len(failed) + unsent)
    counts = tally(answered, failed)
    counts.add_rest(plan, "late")
    result = counts.result(plan, 1.0)
    assert result.completed + sum(result.errors.values()) == result.planned
    assert result.errors.get("late", 0) == unsent
    assert result.unexpected == sum(status >= 400 for status, _ in answered)
    assert 0 not in result.status_codes


@given(answers, errors, answers, errors)
def test_merged_parts_count_as_the_whole(
    answered: list[tuple[int, float]], failed: list[str], answered2: list[tuple[int, float]], failed2: list[str]
) -> None:
    merged = tally(answered, failed)
    merged.merge(tally(answered2, failed2))
    whole = tally(answered + answered2, failed + failed2)
    assert (merged.finished, merged.status_codes, merged.errors) == (whole.finished, whole.status_codes, whole.errors)


def test_latency_is_the_mean_and_none_of_nothing() -> None:
    assert tally([(200, 1.0), (200, 2.0)], []).result(job(2), 1.0).latency_s == 1.5
    assert Tally().result(job(0), 0.0).latency_s == 0.0
