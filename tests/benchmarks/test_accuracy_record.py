"""Files of trials."""

import pytest

from benchmarks.accuracy.record import append, keep, read
from benchmarks.accuracy.trial import Estimate, Growth, Method, trial_of
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Finding, Outcome, SignalEstimate
from tests.benchmarks.test_accuracy_cases import CASE
from tests.benchmarks.trials import clean, leak

TRIALS = [
    leak(),
    clean(reason="„so“ | 1\n2"),
    clean(method=Method.MANUAL, growth=Growth(heap_bytes=1.5, goroutines=-3, shows_function=False)),
]


def test_trials_are_read_as_they_were_added(tmp_path):
    file = tmp_path / "trials.jsonl"
    for trial in TRIALS:
        append(file, trial)

    assert list(read([file])) == TRIALS
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3


def test_kept_trials_are_the_same_bytes_every_time(tmp_path):
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    keep(first, TRIALS)
    keep(second, read([first]))

    assert list(read([second])) == TRIALS
    assert first.read_bytes() == second.read_bytes()


def test_a_line_cut_off_is_named(tmp_path):
    file = tmp_path / "trials.jsonl"
    append(file, TRIALS[0])
    with file.open("a", encoding="utf-8") as end:
        end.write('{"method": "pytest-go')

    with pytest.raises(ValueError, match=r"trials\.jsonl:2: this line is no trial .* remove it"):
        list(read([file]))


def test_a_report_becomes_a_trial_that_can_be_written(tmp_path):
    def finding(number):
        return Finding(
            rule_id="GL001", kind="goroutine", function=f"main.f{number}", file="", line=0, per_request=1.0,
            unit="goroutines", proven=number == 0,
        )  # fmt: skip

    report = EndpointReport(
        id="x", name="leak/a", method="GET", path="/leak/a", outcome=Outcome.LEAK, reason="grows", seed=7,
        duration_s=1.23456, requests=500, findings=tuple(map(finding, range(4))),
        signals={
            Signal.HEAP_BYTES: SignalEstimate(
                per_request=128.12345678, low=-float("inf"), high=float("inf"), p_value=0.004,
                min_detectable=float("inf"), outcome=Outcome.LEAK,
            )
        },
    )  # fmt: skip

    trial = trial_of(CASE, report, concurrency=100)
    append(tmp_path / "one.jsonl", trial)

    assert list(read([tmp_path / "one.jsonl"])) == [trial]
    assert trial.key == ("pytest-goleak", "leak/a", 100, 7)
    assert trial.is_right
    assert trial.is_proven
    assert [each.function for each in trial.places] == ["main.f0", "main.f1", "main.f2"]
    assert trial.estimates == {
        Signal.HEAP_BYTES: Estimate(per_request=128.123, low=None, high=None, min_detectable=None)
    }
