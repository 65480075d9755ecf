"""Read the names of profiles off pprof's index page."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import unquote

__all__ = ["KNOWN_PROFILES", "parse_index"]

KNOWN_PROFILES = ("allocs", "block", "goroutine", "goroutineleak", "heap", "mutex", "threadcreate")
"""What a Go runtime may offer; ``goroutineleak`` since Go 1.27, and in 1.26 as an experiment."""

# On the page, but not a state at a moment: a recording, or no profile at all.
_NOT_SNAPSHOTS = frozenset({"cmdline", "profile", "symbol", "trace"})


def parse_index(page: str) -> tuple[str, ...]:
    """Return the names of the profiles that *page* links to, sorted; empty if it is not pprof's index.

    Recordings (``profile``, ``trace``), ``cmdline`` and ``symbol`` are left out, and profiles that the service
    registered itself are in. Understands the pages of Go 1.21 to 1.27.
    """
    links = _Links()
    links.feed(page)
    links.close()
    return tuple(sorted(links.names - _NOT_SNAPSHOTS))


class _Links(HTMLParser):
    """Collects links whose text is the name of what they link to, as ``<a href='heap?debug=1'>heap</a>``."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._linked = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        path, _, query = (href or "").partition("?")
        # Go writes `./name` where a colon in the name would make it look like a scheme.
        self._linked = unquote(path).removeprefix("./") if query == "debug=1" else ""

    def handle_data(self, data: str) -> None:
        if self._linked and data.strip() == self._linked:
            self.names.add(self._linked)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._linked = ""
