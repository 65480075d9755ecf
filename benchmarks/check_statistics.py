"""Check the statistical claims by simulation, and write tables and figures into the documentation.

Run it with ``make check-statistics``. The checks and figures are in :mod:`benchmarks.claims`; the page is
docs/explanation/statistics.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.claims.experiments import FACTORS
from benchmarks.claims.results import Results, run_all
from benchmarks.claims.share import Share
from pytest_goleak.stats.design import ALPHA

EXPLANATION = Path(__file__).parents[1] / "docs" / "explanation"


def tables(results: Results) -> dict[str, str]:
    """Return the Markdown tables, by the name of their place in the page."""
    total = Share(
        sum(each.leak.hits for each in results.alarms.values()), sum(each.leak.runs for each in results.alarms.values())
    )
    return {
        "level": _table(
            ("noise", "p ≤ 6/252 (claim: ≤ 2.38 %)", "p ≤ 1/252 (claim: ≤ 0.397 %)"),
            [(name, each.suspected, each.confirmed) for name, each in results.blocks.items()],
        ),
        "coverage": _table(
            ("noise", "lower bound holds (≥ 97.6 %)", "upper bound holds (≥ 97.6 %)", "both hold (≥ 95.2 %)"),
            [(name, each.low_holds, each.high_holds, each.both_hold) for name, each in results.blocks.items()],
        ),
        "effects": _table(
            ("effect", "lower bound holds", "upper bound holds"),
            [(name, *pair) for name, pair in results.effects.items()],
        ),
        "rule": _table(
            ("noise, 3 independent signals", f"called a leak (claim: ≤ {100 * ALPHA:.2f} %)"),
            list(results.rule.items()),
        ),
        "alarms": _table(
            ("service", "leak", "inconclusive", "background drift reported"),
            [
                *((name, each.leak, each.inconclusive, each.drift) for name, each in results.alarms.items()),
                ("all of them", total, "", ""),
            ],
        ),
        "power": _table(
            ("leak", "stated, per request", *(f"{factor:g} of it" for factor in FACTORS), "interval holds"),
            [
                (name, f"{each.stated:.3g}", *(f"{100 * share.value:.0f} %" for share in each.found), each.covered)
                for name, each in results.power.items()
            ],
        ),
        "passed": _table(
            ("leak", *(f"{factor:g} of it" for factor in FACTORS)),
            [(name, *(f"{100 * share.value:.0f} %" for share in each.passed)) for name, each in results.power.items()],
        ),
        "clean": _table(
            ("growth of exactly the tolerance", "default tolerance", "widened: 1 KiB, 8 objects, 0.08 goroutines"),
            [(name, *pair) for name, pair in results.clean.items()],
        ),
        "paces": _table(
            ("background", "equal rounds: leak", "clean", "loaded rounds 30 ms longer: leak", "clean"),
            [(f"{int(name) // 1024:,} KiB/s", *equal, *longer) for name, (equal, longer) in results.paces.items()],
        ),
    }


def _table(heads: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    rows = [heads, ["---"] * len(heads), *body]
    return "".join(f"| {' | '.join(str(cell) for cell in row)} |\n" for row in rows)


def fill_in(page: str, found: dict[str, str]) -> str:
    """Return *page* with each table between its markers.

    Raises:
        ValueError: the page has no place for a table.

    """
    for name, table in found.items():
        begin, end = f"<!-- check-statistics: {name} -->\n", "<!-- end -->"
        if begin not in page:
            raise ValueError(f"the page has no line {begin.strip()!r}; expected one for each table")
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return page


def main() -> None:
    """Run the checks, print the tables, and write page and figures on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="whole experiments per service without a leak")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--write", action="store_true", help="write tables and figures into docs/explanation")
    parser.add_argument("--json", type=Path, help="write the counts there")
    arguments = parser.parse_args()
    started = time.monotonic()
    results = run_all(arguments.runs, jobs=arguments.jobs)
    found = tables(results)
    for name, table in found.items():
        print(f"\n{name}\n\n{table}", end="")
    print(f"\nin {time.monotonic() - started:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(results), indent=1), encoding="utf-8")
    if arguments.write:
        from benchmarks.claims.plots import write_figures  # noqa: PLC0415 - matplotlib only where figures are wanted

        page = EXPLANATION / "statistics.md"
        page.write_text(fill_in(page.read_text(encoding="utf-8"), found), encoding="utf-8")
        write_figures(results, EXPLANATION / "figures")


if __name__ == "__main__":
    main()
