"""The scoreboard: every endpoint of the corpus judged as a user's run judges it, and compared with the truth.

Run it from the repository with ``python -m benchmarks.bench_accuracy`` (``make bench-accuracy``): the whole corpus at
the default budget takes half an hour for one seed. What is kept is one line of JSON per trial (``--json``), from which
``--report`` makes the tables again. Trials depend on the printed seeds and on the machine, and on nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.accuracy import baselines, page
from benchmarks.accuracy.cases import Case, Corpus, built, joined, spread
from benchmarks.accuracy.pairs import build_pairs
from benchmarks.accuracy.record import append, read
from benchmarks.accuracy.run import Batch, batches, judge
from benchmarks.accuracy.score import Score
from benchmarks.accuracy.storefront import build_storefront
from benchmarks.accuracy.table import render
from benchmarks.accuracy.targets import targets
from benchmarks.accuracy.trial import Method, Trial
from benchmarks.machine import describe, require_hey, use_go
from pytest_goleak.model.plan import LoadPlan

Keys = Collection[tuple[str, str, int, int]]

OTHER_WAYS: dict[Method, Callable[..., Trial]] = {Method.COUNTS: baselines.count, Method.MANUAL: baselines.manual}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark or report an earlier one; return 1 if ``--check`` is given and a target is missed."""
    options = _parse(argv)
    with contextlib.ExitStack() as stack:
        files = options.report
        if not files:
            files = [options.json or Path(stack.enter_context(tempfile.TemporaryDirectory()), "trials.jsonl")]
            _run(options, files[0])
        trials = list(read(files))
    sys.stdout.write(render(trials))
    if options.page:
        page.write(trials)
    return 1 if options.check and not _is_reached(trials) else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_argument_group("what is judged")
    what.add_argument(
        "-k", dest="only", default="", metavar="SUBSTRING", help="only those whose name or category has it"
    )
    what.add_argument("--sample", type=int, metavar="N", help="only so many endpoints, spread over the categories")
    what.add_argument("--concurrency", type=int, nargs="+", default=[LoadPlan().concurrency], metavar="N")
    what.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N")
    what.add_argument("--pairs", action="store_true", help="released modules, leaky and fixed, as well")
    what.add_argument("--storefront", action="store_true", help="a service that was written without sight of all this")
    what.add_argument("--baselines", type=int, default=0, metavar="N", help="judge N of them in the other ways as well")
    what.add_argument("--go", metavar="PATH", help="Go to build with: its program, or the directory of that")
    how = parser.add_argument_group("how")
    how.add_argument("--jobs", type=int, default=1, metavar="N", help="sessions at a time (default 1)")
    how.add_argument("--json", type=Path, metavar="FILE", help="add every trial to this file as it ends")
    how.add_argument("--resume", action="store_true", help="skip the trials that --json has already")
    out = parser.add_argument_group("what comes of it")
    out.add_argument("--report", type=Path, nargs="+", metavar="FILE", help="run nothing: tables of these trials")
    out.add_argument("--page", action="store_true", help=f"keep the trials, and write their tables into {page.NAME}")
    out.add_argument("--check", action="store_true", help="fail if a target is missed")
    options = parser.parse_args(argv)
    if options.json and options.json.exists() and not (options.resume or options.report):
        parser.error(f"--json {options.json} exists; go on with it by --resume, or name another file")
    if options.resume and not options.json:
        parser.error("--resume needs --json FILE, which has the trials of the run that was cut off")
    return options


def _is_reached(trials: Sequence[Trial]) -> bool:
    missed = [each for each in targets(Score(trials).of(Method.OURS)) if not each.is_reached]
    for each in missed:
        _tell(f"missed: {each.name}: {each.figure:.4g}, limit {each.limit:g}")
    return not missed


# --- the run --------------------------------------------------------------------------------------------------------


def _run(options: argparse.Namespace, file: Path) -> None:
    """Judge what *options* ask for; every trial is added to *file* as it ends."""
    if options.go:
        use_go(options.go)
    done = {trial.key for trial in read([file])} if file.exists() else set()
    with _corpus(options) as corpus:
        planned = batches(corpus, concurrency=options.concurrency, seeds=options.seeds, done=done, parts=options.jobs)
        left = sum(len(each.cases) for each in planned)
        _tell(f"{describe()}; seeds {options.seeds}; trials to do: {left}, done: {len(done)}")
        work = partial(_judge_into, file)
        if options.jobs == 1:
            for batch in planned:
                work(batch)
        else:
            with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
                pool.map(work, planned, chunksize=1)
        if options.baselines:
            _judge_otherwise(options, corpus, done=done, file=file)
    file.touch()


@contextlib.contextmanager
def _corpus(options: argparse.Namespace) -> Iterator[Corpus]:
    """Build what is to be judged, and give the part of it that *options* choose."""
    with built() as own:
        corpus = joined(own, build_pairs()) if options.pairs else own
        corpus = joined(corpus, build_storefront()) if options.storefront else corpus
        chosen = [each for each in corpus.cases if options.only in each.name or options.only in each.category]
        if not chosen:
            raise SystemExit(f"-k {options.only!r} matches none of: {', '.join(each.name for each in corpus.cases)}")
        if options.sample:
            chosen = spread(chosen, options.sample, seed=options.seeds[0])
        yield replace(corpus, cases=tuple(chosen))


def _judge_into(file: Path, batch: Batch) -> None:
    for trial in judge(batch):
        append(file, trial)
        _show(trial)


def _judge_otherwise(options: argparse.Namespace, corpus: Corpus, *, done: Keys, file: Path) -> None:
    hey = require_hey()
    tasks = [
        (method, case, corpus.targets[case.environment])
        for case in spread(corpus.cases, options.baselines, seed=options.seeds[0])
        for method in OTHER_WAYS
        if (method, case.name, baselines.CONCURRENCY, baselines.SEED) not in done
    ]
    work = partial(_judge_one_otherwise, file, hey)
    # Nearly all of their time is waiting, so several at a time disturb each other little.
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        pool.starmap(work, tasks, chunksize=1)


def _judge_one_otherwise(file: Path, hey: str, method: Method, case: Case, target: Mapping[str, object]) -> None:
    trial = OTHER_WAYS[method](case, target, hey=hey)
    append(file, trial)
    _show(trial)


def _show(trial: Trial) -> None:
    way = "" if trial.method is Method.OURS else f" ({trial.method})"
    _tell(
        f"  {trial.case:36} {trial.outcome:13}{trial.duration_s:6.1f} s{trial.requests:9,} requests, "
        f"{trial.concurrency} connections, seed {trial.seed}{way}{_mark(trial)}"
    )


def _mark(trial: Trial) -> str:
    if not trial.is_right:
        return f"  <-- wrong: {trial.reason}"
    if trial.method is Method.OURS and Score([trial]).misled:
        said = f"{trial.places[0].function} {trial.places[0].rule_id}" if trial.places else "nothing"
        return f"  <-- misled: {said}"
    return ""


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")  # one write: several processes may tell at once
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
