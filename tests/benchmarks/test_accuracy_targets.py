"""What the scoreboard must reach."""

from benchmarks.accuracy.score import Score
from benchmarks.accuracy.targets import targets
from pytest_goleak.model.report import Outcome
from tests.benchmarks.trials import clean, leak, place


def missed(trials):
    return [each.name for each in targets(Score(trials)) if not each.is_reached]


def test_good_trials_reach_every_target():
    assert missed([clean(), leak()]) == []


def test_nothing_measured_misses_nothing():
    assert missed([]) == []


def test_every_failing_is_seen():
    assert missed([leak(outcome=Outcome.CLEAN)]) == ["leaks found"]
    assert missed([clean(outcome=Outcome.LEAK)]) == ["false alarms"]
    assert missed([clean(outcome=Outcome.INCONCLUSIVE)]) == ["inconclusive"]
    assert missed([clean(duration_s=2.1)]) == ["seconds, clean, median"]
    assert missed([*[clean()] * 9, clean(duration_s=30.0)]) == ["seconds, clean, 95 %"]
    assert missed([leak(duration_s=11.1)]) == ["seconds, leaks, median"]
    assert missed([leak(places=(place("main.keep", "GL001"),))]) == ["specific hints right"]
    assert missed([leak(places=(place("main.other"),))]) == ["top finding right", "top finding right, memory"]


def test_three_false_alarms_in_a_thousand_are_allowed():
    assert missed([*[clean()] * 997, *[clean(outcome=Outcome.LEAK)] * 3]) == []
