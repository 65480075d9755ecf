from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from pytest_goleak.report import htmlpage
from tests.report import samples

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Collects tags, attributes and text, and insists that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_page_shows_every_endpoint_and_finding():
    page = outline(htmlpage.render(samples.RUN))

    for endpoint in samples.RUN.endpoints:
        assert endpoint.name in page.text
        for finding in endpoint.findings:
            assert finding.function in page.text
    assert "1 clean, 2 leaks (1 known), 1 inconclusive, 1 error" in page.text
    assert "$PPROF_TOKEN" in page.text
    assert page.tags.count("details") == 4
    assert ("href", "https://pkg.go.dev/builtin#delete") in page.attributes


def test_nothing_is_loaded_and_nothing_runs():
    page = outline(htmlpage.render(samples.RUN))

    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "style") or name.startswith("on")]
    assert "@import" not in page.text
    assert "url(" not in page.text


def test_light_and_dark():
    assert "prefers-color-scheme: dark" in htmlpage.render(samples.RUN)


ATTACK = '<script>alert("x")</script>&amp;\'"'


@pytest.mark.parametrize("field", ["name", "reason", "note"])
def test_texts_of_endpoints_are_escaped(field):
    run = replace(samples.RUN, endpoints=(replace(samples.ERROR, **{field: ATTACK}),))
    page = outline(htmlpage.render(run))

    assert "script" not in page.tags
    assert ATTACK in page.text


@pytest.mark.parametrize("field", ["function", "title", "state", "created_by", "hint", "ignored_by", "file"])
def test_texts_of_findings_are_escaped(field):
    leak = replace(samples.LEAK, findings=(replace(samples.CACHE, **{field: ATTACK}),))
    page = outline(htmlpage.render(replace(samples.RUN, endpoints=(leak,))))

    assert "script" not in page.tags


@settings(max_examples=40)
@given(samples.runs)
def test_any_run_gives_a_well_formed_page(run):
    page = outline(htmlpage.render(run))

    assert page.tags.count("section") == len(run.endpoints)
