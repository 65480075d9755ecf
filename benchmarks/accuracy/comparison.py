"""Ours beside the other ways, on the endpoints that all of them judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.accuracy.markdown import NOTHING, count, figure, share, table
from benchmarks.accuracy.score import Score, Share, spread_of
from benchmarks.accuracy.trial import Method, Trial
from benchmarks.manual_procedure import LITERAL, SWEEP, Thresholds
from pytest_goleak.model.report import Outcome

__all__ = ["as_read_by", "best_thresholds", "comparison"]


def comparison(trials: Sequence[Trial]) -> str:
    """Return the table of all methods in *trials*; empty if there is only ours."""
    judged = [{each.case for each in Score(trials).of(method).trials} for method in (Method.MANUAL, Method.COUNTS)]
    others = set.union(*judged)
    if not others:
        return ""
    common = Score([each for each in trials if each.case in others])
    rows = [_row("pytest-goleak", common.of(Method.OURS))]
    if manual := common.of(Method.MANUAL).trials:
        best = best_thresholds(manual)
        rows.append(_row(f"by hand: {LITERAL}", Score(manual)))
        rows.append(
            _row(f"by hand, best rule in hindsight: {best}", Score([as_read_by(each, best) for each in manual]))
        )
    if (counts := common.of(Method.COUNTS)).trials:
        rows.append(_row("goroutines counted, goleak's retries", counts))
    return table(["", "leaks found", "false alarms", "no verdict", "function named", "median s"], rows)


def best_thresholds(trials: Sequence[Trial]) -> Thresholds:
    """Return the thresholds that read most of the manual *trials* rightly; of equal ones the first."""
    return max(SWEEP, key=lambda thresholds: sum(as_read_by(each, thresholds).is_right for each in trials))


def as_read_by(trial: Trial, thresholds: Thresholds) -> Trial:
    """Return the manual *trial* with the outcome that *thresholds* give it; one that failed stays as it is."""
    if trial.growth is None:
        return trial
    is_leak = trial.growth.heap_bytes > thresholds.heap_bytes or trial.growth.goroutines > thresholds.goroutines
    return replace(trial, outcome=Outcome.LEAK if is_leak else Outcome.CLEAN)


def _row(name: str, score: Score) -> list[str]:
    undecided = Share(hits=score.inconclusive.hits + score.errors.hits, total=len(score.trials))
    return [
        name,
        share(score.sensitivity),
        share(score.false_alarms),
        count(undecided),
        _named(score),
        figure(spread_of(each.duration_s for each in score.trials).median),
    ]


def _named(score: Score) -> str:
    if any(each.method is Method.COUNTS for each in score.trials):
        return NOTHING  # a count names nothing
    shown = [each.growth.shows_function for each in score.leaking if each.growth]
    if shown:
        return f"{count(Share(hits=sum(shown), total=len(shown)))}, somewhere"
    return f"{count(score.blamed(within=1))}, on top"
