from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from pytest_goleak.report import github
from tests.report import samples


def test_each_finding_is_annotated_at_its_line():
    lines = github.workflow_commands(samples.RUN, root="/home/dev/service").splitlines()

    assert [line.split(" ", 1)[0] for line in lines] == ["::error", "::notice", "::warning", "::error"]
    assert lines[0] == (
        "::error file=cache.go,line=41,title=map that only grows::"
        "GET /leak/cache: 256 B (±11.8 B) in 1 object per request in main.(*cache).put"
    )
    assert lines[3].startswith("::error title=could not measure::GET /gone: error: the service died")
    assert "%0A" in lines[3]


def test_a_leak_without_a_place_is_annotated_without_file():
    run = replace(samples.RUN, endpoints=(replace(samples.LEAK, findings=()),))

    assert github.workflow_commands(run).startswith("::error title=leak::GET /leak/cache: heap grows 256 B")


def test_files_outside_of_the_checkout_keep_their_name():
    run = replace(samples.RUN, endpoints=(samples.LEAK,))

    assert "file=/home/dev/service/cache.go," in github.workflow_commands(run, root="/srv/checkout")


@settings(max_examples=40)
@given(samples.runs)
def test_any_text_stays_in_its_command(run):
    lines = github.workflow_commands(run).split("\n")

    assert all(line.startswith("::") for line in lines[:-1])
    assert lines[-1] == ""
    assert not any("\r" in line for line in lines)


def test_the_summary_is_a_table_with_details():
    text = github.render(samples.RUN)

    assert text.startswith("## Leak tests: 1 clean, 2 leaks (1 known), 1 inconclusive, 1 error\n")
    assert "| 🟢 clean | GET /users | 10,300 requests in 2.1 s | would have seen ≥ 3.1 B" in text
    assert "### GET /leak/cache: map that only grows" in text
    assert "### GET /known" not in text


def test_markdown_in_names_is_escaped():
    run = replace(samples.RUN, endpoints=(replace(samples.CLEAN, name="GET /a|b <x> *y*"),))

    assert r"GET /a\|b \<x\> \*y\*" in github.render(run)


def test_fences_are_longer_than_any_in_the_text():
    leak = replace(samples.LEAK, findings=(replace(samples.CACHE, hint="```\nnot the end"),))

    assert "````text" in github.render(replace(samples.RUN, endpoints=(leak,)))
