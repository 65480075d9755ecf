"""Links between pages lead somewhere, and every page can be reached from the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, name_of, pages, prose

_LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s]+)\)")


def links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", prose(page.read_text(encoding="utf-8")))
    return [match["to"] for match in _LINK.finditer(text) if "://" not in match["to"]]


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_resolve(page: Path):
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)

    assert not broken


def test_every_page_is_reached_from_the_readme():
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]

    assert [name_of(page) for page in pages() if page not in seen] == []


def test_a_broken_link_is_seen(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Here we go\n\n[a](none.md) [b](#here-we-go) [c](https://go.dev) `[d](no.md)`\n", encoding="utf-8"
    )

    assert links(page) == ["none.md", "#here-we-go"]
    assert anchors(page.read_text(encoding="utf-8")) == {"here-we-go"}
