from __future__ import annotations

import math
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import Tolerance
from pytest_goleak.model.report import Outcome, RunReport, SignalEstimate, TargetInfo
from pytest_goleak.report import htmlpage
from pytest_goleak.report.figures import amount, interval
from pytest_goleak.report.finding_text import WIDTH, fold_shell
from pytest_goleak.report.terminal import render_endpoint, summary, verdict_line
from tests.report import samples

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("leak", samples.LEAK),
        ("known", samples.KNOWN),
        ("inconclusive", samples.INCONCLUSIVE),
        ("error", samples.ERROR),
        ("clean", samples.CLEAN),
    ],
)
def test_the_whole_text_of_an_endpoint(name, report):
    expected = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")

    assert render_endpoint(report, tolerance=Tolerance()) + "\n" == expected


def test_the_headline_has_figure_and_limit():
    first = render_endpoint(samples.LEAK, tolerance=Tolerance()).split("\n\n")[0].replace("\n", " ")

    assert first == (
        "GET /leak/cache: heap grows 256 B per request (interval 250–262 B, p = 0.0004, 18,500 requests); "  # noqa: RUF001
        "tolerance 128 B"
    )


def test_goroutines_lead_the_headline():
    assert render_endpoint(samples.KNOWN).startswith("GET /known: leaks 1 goroutine per request")


@pytest.mark.parametrize("report", samples.RUN.endpoints)
def test_no_line_is_wider_than_the_terminal(report):
    assert max(len(line) for line in render_endpoint(report, tolerance=Tolerance()).split("\n")) <= WIDTH


def test_a_leak_without_a_place_says_so():
    text = render_endpoint(replace(samples.LEAK, findings=(), note="Only 12 % is explained."))

    assert "No place could be named" not in text
    assert "No place could be named" in render_endpoint(replace(samples.LEAK, findings=(), note=""))
    assert "Only 12 % is explained." in text


def test_ignored_findings_are_short_and_say_why():
    text = render_endpoint(samples.KNOWN)

    assert "known: TICKET-1" in text
    assert "[[ignore]]" not in text


def test_long_stacks_are_cut():
    deep = replace(samples.CACHE, stack=tuple(f"main.f{n} /home/dev/service/x.go:{n}" for n in range(40)))

    assert "… 26 more" in render_endpoint(replace(samples.LEAK, findings=(deep,)))


def test_one_line_verdicts():
    assert verdict_line(samples.CLEAN) == (
        "clean  GET /users  10,300 requests in 2.1 s  "
        "would have seen ≥ 3.1 B, 0.004 objects, 0.001 goroutines per request; levelled off after 4,000 requests"
    )
    assert verdict_line(samples.LEAK) == (
        "leak  GET /leak/cache  18,500 requests in 11 s  "
        "256 B and 1 object per request: main.(*cache).put (service/cache.go:41)"
    )
    assert verdict_line(samples.ERROR).endswith("the service died with exit status 2.")


def test_the_summary_is_aligned_and_coloured_by_outcome():
    lines = summary(samples.RUN)

    assert [outcome for _, outcome in lines] == [
        Outcome.CLEAN,
        Outcome.LEAK,
        None,
        Outcome.INCONCLUSIVE,
        Outcome.ERROR,
        None,
    ]
    assert {line.index("GET ") for line, _ in lines[:-1]} == {len("inconclusive") + 2}
    assert lines[-1][0] == "1 clean, 2 leaks (1 known), 1 inconclusive, 1 error"


def test_a_run_without_endpoints():
    run = RunReport(tool_version="0", target=TargetInfo(), seed=1)

    assert summary(run) == [("0 clean, 0 leaks, 0 inconclusive, 0 errors", None)]


def test_expected_leaks_are_known():
    (line, outcome), _ = summary(replace(samples.RUN, endpoints=(replace(samples.LEAK, xfail="TICKET-2"),)))

    assert line.startswith("leak (known)")
    assert outcome is None


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (250.2, 262.0, "B", "250–262 B"),  # noqa: RUF001
        (900.0, 1100.0, "B", "900 B to 1.07 KiB"),
        (-3.0, 4.0, "B", "-3 to 4 B"),
        (1.0, 1.0, "goroutines", "1 goroutine"),
        (0.5, 1.0, "objects", "0.5 objects to 1 object"),
        (-math.inf, 4.0, "objects", "at most 4 objects"),
        (3.0, math.inf, "goroutines", "at least 3 goroutines"),
        (-math.inf, math.inf, "B", "unknown"),
    ],
)
def test_intervals(low, high, unit, expected):
    estimate = SignalEstimate(
        per_request=1, low=low, high=high, p_value=0.5, min_detectable=1, outcome=Outcome.INCONCLUSIVE
    )

    assert interval(estimate, unit) == expected


def test_amounts():
    assert amount(1.0, Signal.HEAP_OBJECTS.unit) == "1 object"
    assert amount(math.nan, "B") == "unknown"


@settings(max_examples=40)
@given(samples.endpoints)
def test_any_report_can_be_shown(endpoint):
    assert render_endpoint(endpoint)
    assert verdict_line(endpoint).startswith(endpoint.outcome.value)


SCRIPT = (
    "for n in $(seq 2); do printf '<%s>\\n' "
    '"$(printf \'%s %s\' a b)" \'it\'"\'"\'s (one $word\' plain\\ word "x ( y" "$(printf "%s" "q r")" '
    f"{'long ' * 30}; done"
)


def test_folded_shell_lines_mean_the_same():
    folded = "\n".join(fold_shell(SCRIPT))

    assert max(len(line) for line in folded.split("\n")) <= WIDTH
    once, twice = (
        subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=30).stdout
        for script in (SCRIPT, folded)
    )
    assert once == twice
    assert once.count("<long>") == 60


def test_comments_stay_comments():
    assert all(line.lstrip().startswith("#") for line in fold_shell("# " + "word " * 50))


def test_the_table_has_an_errors_first_sentence_and_what_was_screened_together():
    long = "GET http://127.0.0.1:8080/debug/pprof/ was answered 401. The service refused: " + "advice " * 60
    [row] = [
        line
        for line, outcome in summary(
            RunReport(tool_version="1", target=samples.TARGET, seed=1, endpoints=(replace(samples.ERROR, reason=long),))
        )
        if outcome
    ]
    assert row.endswith("was answered 401.")

    endless = replace(samples.ERROR, reason="advice " * 60)
    assert verdict_line(endless).endswith(" …")
    assert len(verdict_line(endless)) < 200
    assert "  screened together; would have seen" in verdict_line(replace(samples.CLEAN, screened_with=3))


def test_what_accepts_a_leak_is_written_for_the_file_in_use():
    text = render_endpoint(samples.LEAK, source="/x/pyproject.toml")
    page = htmlpage.render(replace(samples.RUN, source="/x/pyproject.toml"))

    for shown in (text, page):
        assert "ccept it, add to pyproject.toml:" in shown
        assert "[[tool.goleak.ignore]]" in shown
        assert "goleak.toml" not in shown
    assert "add to leaks.toml:" in render_endpoint(samples.LEAK, source="leaks.toml")
