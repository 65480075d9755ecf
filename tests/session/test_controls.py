"""What a control's report has to say, and what it must not be excused by."""

import dataclasses

import pytest

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Finding, Outcome, SignalEstimate
from pytest_goleak.session.planted import Plant
from pytest_goleak.session.selftest import ControlOutcome, judge_figures, judge_nothing, judge_service
from tests.session.test_compare import report_of


class Held:
    """The connections as a control sees them when all is over."""

    def __init__(self, count, *, limit=4000, wanted=None, closed=0, refusal=""):
        self.count, self.limit, self.closed_by_service, self.refusal = count, limit, closed, refusal
        self.is_capped = (wanted or count) > limit

    def __len__(self):
        return self.count


class Watched:
    def __init__(self, connections, goroutines):
        self.planted = (connections, goroutines)


SERVES = Finding(
    rule_id="GL000",
    kind="goroutine",
    function="net/http.(*conn).serve",
    file="server.go",
    line=1,
    per_request=0.02,
    unit="goroutines",
    state="IO wait",
    stack=("internal/poll.runtime_pollWait netpoll.go:1", "net/http.(*conn).serve server.go:1"),
)
ELSEWHERE = dataclasses.replace(SERVES, function="main.f", state="select", stack=("main.f main.go:1",))


def estimates(outcome):
    return {
        signal: SignalEstimate(per_request=1, low=1, high=1, p_value=0.004, min_detectable=0.1, outcome=outcome)
        for signal in Signal
    }


FOUND = report_of(SERVES, signals=estimates(Outcome.LEAK))


def test_figures_pass_only_if_all_that_was_planted_was_found():
    found = report_of(signals=estimates(Outcome.LEAK))
    partly = report_of(signals=estimates(Outcome.LEAK) | {Signal.HEAP_BYTES: estimates(Outcome.CLEAN)["heap_bytes"]})
    plant = Plant.beyond(Tolerance())

    assert plant.goroutines == 0.02
    assert judge_figures(found, plant).outcome is ControlOutcome.PASSED
    result = judge_figures(partly, plant)
    assert result.outcome is ControlOutcome.FAILED
    assert "heap_bytes were not found" in result.message


def test_nothing_planted_passes_only_if_clean():
    assert judge_nothing(report_of(outcome=Outcome.CLEAN)).outcome is ControlOutcome.PASSED
    for outcome in (Outcome.LEAK, Outcome.INCONCLUSIVE, Outcome.ERROR):
        result = judge_nothing(report_of(outcome=outcome))
        assert result.outcome is ControlOutcome.FAILED
        assert "nothing was planted" in result.message


def test_a_plant_in_the_service_passes_if_its_goroutines_are_found_where_connections_are_served():
    assert judge_service(FOUND, Held(300), Watched(280, 280)).outcome is ControlOutcome.PASSED


def test_a_leak_of_the_endpoint_itself_is_not_taken_for_what_was_planted():
    both = dataclasses.replace(FOUND, findings=(ELSEWHERE, SERVES))

    assert judge_service(FOUND, Held(300), Watched(280, 14_280)).outcome is ControlOutcome.NOT_PLANTED
    assert judge_service(both, Held(300), Watched(280, 400)).message.endswith("found in net/http.(*conn).serve")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (report_of(outcome=Outcome.CLEAN, signals=estimates(Outcome.CLEAN)), "that was not found: clean"),
        (
            report_of(
                SERVES, signals=estimates(Outcome.LEAK) | {Signal.GOROUTINES: estimates(Outcome.CLEAN)["goroutines"]}
            ),
            "that was not found",
        ),
        (report_of(outcome=Outcome.INCONCLUSIVE, signals=estimates(Outcome.INCONCLUSIVE)), "not found: inconclusive"),
        (report_of(ELSEWHERE, signals=estimates(Outcome.LEAK)), "main.f was blamed"),
        (report_of(signals=estimates(Outcome.LEAK)), "no place was blamed"),
    ],
)
def test_a_plant_that_the_service_shows_and_the_judge_does_not_is_the_judges_failure(report, said):
    result = judge_service(report, Held(300), Watched(280, 280))

    assert result.outcome is ControlOutcome.FAILED
    assert said in result.message
    assert "prove nothing" in result.message


@pytest.mark.parametrize(
    ("held", "watched", "outcome", "said"),
    [
        (Held(300), Watched(280, 0), Outcome.CLEAN, "such as a proxy"),
        (Held(300), Watched(280, 14_280), Outcome.LEAK, "known to be clean, such as a health check"),
        (Held(0, refusal="Connection refused"), Watched(0, 0), Outcome.CLEAN, "Connection refused"),
        (Held(30, closed=900), Watched(30, 1), Outcome.CLEAN, "closes idle connections at once"),
        (Held(2, limit=2, wanted=80), Watched(2, 2), Outcome.CLEAN, "limit 2"),
        (Held(2), Watched(2, 2), Outcome.CLEAN, "too few"),
        (Held(300, limit=300, wanted=900), Watched(280, 280), Outcome.INCONCLUSIVE, "growth ended before"),
        (Held(300, closed=9000), Watched(280, 280), Outcome.INCONCLUSIVE, "ReadHeaderTimeout"),
        (Held(300), Watched(280, 280), Outcome.ERROR, "limits its connections"),
        (Held(300), Watched(2, 2), Outcome.ERROR, "did not answer with 300"),
    ],
)
def test_what_could_not_be_planted_is_neither_passed_nor_failed(held, watched, outcome, said):
    result = judge_service(report_of(outcome=outcome), held, watched)

    assert result.outcome is ControlOutcome.NOT_PLANTED
    assert said in result.message


def test_an_error_before_anything_was_planted_is_a_failure():
    assert judge_service(report_of(outcome=Outcome.ERROR), Held(0), Watched(0, 0)).outcome is ControlOutcome.FAILED
