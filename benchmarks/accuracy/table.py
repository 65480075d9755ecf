"""The scoreboard as Markdown: one table per question. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from benchmarks.accuracy.comparison import comparison
from benchmarks.accuracy.markdown import NOTHING, count, figure, interval, one_line, percent, share, table, whole
from benchmarks.accuracy.score import Score, Spread, spread_of
from benchmarks.accuracy.targets import Target, targets
from benchmarks.accuracy.trial import Method, Trial
from pytest_goleak.model.observation import Signal

__all__ = ["render"]


def render(trials: Sequence[Trial]) -> str:
    """Return all tables of *trials*, those of the other methods included; the same trials give the same text."""
    ours = Score(trials).of(Method.OURS)
    parts = [
        _run(trials),
        "### Targets\n\n" + _targets(targets(ours)),
        "### By category\n\n" + _groups("category", ours.trials, lambda each: each.category),
        "### By number of connections\n\n" + _groups("connections", ours.trials, lambda each: f"{each.concurrency:4}"),
        "### By environment\n\n" + _groups("environment", ours.trials, _environment),
        "### The place and the cause\n\n" + _blame(ours),
        "### Growth per request\n\n" + _estimates(ours),
        "### The smallest leak\n\n" + _limits(ours),
        "### Time and requests\n\n" + _cost(ours),
    ]
    if beside := comparison(trials):
        parts.append("### Beside other ways\n\n" + beside)
    parts.append("### Every wrong verdict\n\n" + _wrong(ours.trials))
    parts.append("### Every wrong place or cause\n\n" + _misled(ours))
    parts.append("### Every wrong figure\n\n" + _misjudged(ours))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


# --- the tables -----------------------------------------------------------------------------------------------------


def _run(trials: Sequence[Trial]) -> str:
    ours = Score(trials).of(Method.OURS)
    leaking = {each.case for each in ours.leaking}
    clean = {each.case for each in ours.clean}
    go = sorted({each.go_version for each in ours.trials if each.go_version})
    load = figure(_middle(each.load_average for each in ours.trials))
    return (
        f"Trials: {len(ours.trials):,}, of {len(leaking)} leaking and {len(clean)} clean endpoints; "
        f"{_listed('connections', (each.concurrency for each in ours.trials))}; "
        f"{_listed('seeds', (each.seed for each in ours.trials))}; {', '.join(go) or 'Go of unknown version'}; "
        f"load average {load} (median)."
    )


def _listed(name: str, figures: Iterable[int]) -> str:
    return f"{name} {', '.join(str(each) for each in sorted(set(figures)))}"


def _targets(rows: Iterable[Target]) -> str:
    def cells(each: Target) -> list[str]:
        show = percent if each.share else figure
        sign = "≥" if each.is_least else "≤"
        reached = NOTHING if each.figure is None else ("yes" if each.is_reached else "**no**")
        bounds = interval(each.share) if each.share else NOTHING
        return [each.name, show(each.figure), bounds, whole(each.count), f"{sign} {show(each.limit)}", reached]

    return table(["figure", "measured", "95 % interval", "of", "target", "reached"], map(cells, rows))


def _groups(name: str, trials: Sequence[Trial], key: Callable[[Trial], str]) -> str:
    groups = [(value, list(group)) for value, group in groupby(sorted(trials, key=key), key=key)]
    rows = [_group(value.strip(), Score(group)) for value, group in groups]
    if len(rows) > 1:
        rows.append(_group("**all**", Score(trials)))
    heading = [
        name, "leaks found", "false alarms", "called clean", "inconclusive", "error", "function on top", "in top 3",
        "median s",
    ]  # fmt: skip
    return table(heading, rows)


def _environment(trial: Trial) -> str:
    return "own service" if "/" in trial.environment else trial.environment


def _group(name: str, score: Score) -> list[str]:
    seconds = _middle(each.duration_s for each in score.trials)
    return [
        name,
        count(score.sensitivity),
        count(score.false_alarms),
        count(score.specificity),
        count(score.inconclusive),
        count(score.errors),
        count(score.blamed(within=1)),
        count(score.blamed(within=3)),
        figure(seconds),
    ]


def _blame(score: Score) -> str:
    shares = {
        "true function on top": score.blamed(within=1),
        "… goroutines": score.blamed(within=1, goroutines=True),
        "… memory alone": score.blamed(within=1, goroutines=False),
        "true function among the first three": score.blamed(within=3),
        "a specific cause is named": score.hinted,
        "… and it is a true one": score.hints,
    }
    rows = ([name, percent(each.value), interval(each), whole(each.total)] for name, each in shares.items())
    return table(["leaks found", "share", "95 % interval", "of"], rows)


def _estimates(score: Score) -> str:
    rows = []
    for name, signals in (*((each.value.replace("_", " "), [each]) for each in Signal), ("**all**", list(Signal))):
        found = score.estimates(signals)
        rows.append(
            [
                name,
                f"{found.error.count:,}",
                percent(found.error.median),
                percent(found.error.p95),
                share(found.within),
                share(found.covered),
            ]
        )
    return table(["signal", "estimates", "median error", "95 % below", "within 10 %", "interval holds the truth"], rows)


def _limits(score: Score) -> str:
    rows = []
    for signal in Signal:
        found = score.limits(signal)
        rows.append(
            [
                signal.value.replace("_", " "),
                figure(found.smallest),
                figure(found.smallest_found),
                figure(found.stated.median),
                figure(found.stated.p95),
                count(found.overlooked),
            ]
        )
    heading = ["signal", "smallest there", "smallest found", "said to be visible", "95 % below", "larger, called clean"]
    return table(heading, rows)


def _cost(score: Score) -> str:
    sets: list[tuple[str, Spread, list[Trial]]] = [
        ("clean endpoints", score.clean_s, score.clean),
        ("leaks", score.leak_s, [each for each in score.leaking if not each.is_proven]),
        ("leaks that `goroutineleak` proves", score.proven_s, [each for each in score.leaking if each.is_proven]),
    ]
    rows = []
    for name, seconds, trials in sets:
        requests = whole(_middle(each.requests for each in trials))
        rows.append([name, whole(seconds.count), figure(seconds.median), figure(seconds.p95), requests])
    return table(["verdict on", "trials", "median s", "95 % below, s", "median requests"], rows)


def _wrong(trials: Iterable[Trial]) -> str:
    def cells(each: Trial) -> list[str]:
        truth = "leak" if each.truth.leaks else "clean"
        return [each.case, truth, each.outcome, str(each.concurrency), str(each.seed), one_line(each.reason)]

    rows = [cells(each) for each in sorted(trials, key=lambda each: each.key) if not each.is_right]
    return table(["endpoint", "truth", "said", "connections", "seed", "why"], rows) if rows else "None."


def _misled(score: Score) -> str:
    def cells(each: Trial) -> list[str]:
        top = each.places[0] if each.places else None
        said = f"`{top.function}`, {top.rule_id}" if top else "nothing"
        right = f"`{each.truth.function}`, {' '.join(each.truth.causes) or 'any'}"
        return [each.case, right, said, str(each.concurrency), str(each.seed)]

    rows = [cells(each) for each in sorted(score.misled, key=lambda each: each.key)]
    return table(["endpoint", "right", "said on top", "connections", "seed"], rows) if rows else "None."


def _misjudged(score: Score) -> str:
    def cells(trial: Trial, signal: Signal) -> list[str]:
        estimate = trial.estimates[signal]
        bounds = f"{figure(estimate.low)} to {figure(estimate.high)}"
        growth = f"{figure(trial.truth.of(signal))} {signal.unit}"
        return [trial.case, growth, figure(estimate.per_request), bounds, str(trial.concurrency), str(trial.seed)]

    rows = [cells(trial, signal) for trial, signal in sorted(score.misjudged, key=lambda each: (each[0].key, each[1]))]
    heading = ["endpoint", "per request", "said", "interval", "connections", "seed"]
    return table(heading, rows) if rows else "None."


def _middle(figures: Iterable[float]) -> float | None:
    return spread_of(figures).median
