"""The command: a run, the same run resumed, and a report of trials that there are."""

import pytest

from benchmarks.accuracy.record import append, read
from benchmarks.bench_accuracy import main
from pytest_goleak.model.report import Outcome
from tests.benchmarks.trials import clean, leak

ONE = ["-k", "clean/error-500"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "trials.jsonl"


def test_a_run_is_resumed_without_judging_anything_twice(file, capsys):
    assert main([*ONE, "--json", str(file)]) == 0
    [trial] = read([file])
    first = capsys.readouterr()
    assert main([*ONE, "--json", str(file), "--resume"]) == 0
    second = capsys.readouterr()

    assert list(read([file])) == [trial]
    assert (trial.case, trial.outcome) == ("clean/error-500", Outcome.CLEAN)
    assert "trials to do: 1, done: 0" in first.err
    assert "clean/error-500" in first.err
    assert "trials to do: 0, done: 1" in second.err
    assert "Trials: 1, of 0 leaking and 1 clean endpoints" in first.out
    assert second.out == first.out


def test_trials_of_several_files_are_reported_without_a_run(file, tmp_path, capsys):
    append(file, leak())
    append(tmp_path / "more.jsonl", clean())

    assert main(["--report", str(file), str(tmp_path / "more.jsonl"), "--check"]) == 0
    assert "Trials: 2, of 1 leaking and 1 clean endpoints" in capsys.readouterr().out


def test_a_missed_target_fails_the_check_alone(file, capsys):
    append(file, clean(outcome=Outcome.LEAK))

    assert main(["--report", str(file)]) == 0
    assert main(["--report", str(file), "--check"]) == 1
    assert "missed: false alarms: 1, limit 0.005" in capsys.readouterr().err


def test_an_older_run_is_not_overwritten(file, capsys):
    append(file, clean())

    with pytest.raises(SystemExit):
        main([*ONE, "--json", str(file)])
    assert "go on with it by --resume" in capsys.readouterr().err


def test_there_must_be_something_to_resume(capsys):
    with pytest.raises(SystemExit):
        main(["--resume"])
    assert "--resume needs --json FILE" in capsys.readouterr().err
