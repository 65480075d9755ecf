from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.fetch.index import parse_index
from pytest_goleak.model.errors import AuthError, FetchError
from tests.fetch.raw_server import answer, serve

GOLDEN = Path(__file__).parent / "golden"
BUILT_IN = ("allocs", "block", "goroutine", "heap", "mutex", "threadcreate")
CUSTOM = "example.com/pool.connections"


@pytest.mark.parametrize("version", ["go1.21.13", "go1.26.8", "go1.27.3"])
def test_pages_of_real_services(version: str) -> None:
    leaks = ("goroutineleak",) if version == "go1.27.3" else ()
    page = (GOLDEN / f"index_{version}.html").read_text()
    assert parse_index(page) == tuple(sorted((*BUILT_IN, CUSTOM, *leaks)))


@pytest.mark.parametrize(
    "page", ["", "plain text", "<a href='/login?debug=1'>Login</a>", "<a href='http://[?debug=1'>x"]
)
def test_other_pages_have_no_profiles(page: str) -> None:
    assert parse_index(page) == ()


def test_names_are_unquoted() -> None:
    page = "<a href='./a:b%20c?debug=1'>a:b c</a><a href='x%26y?debug=1'>x&amp;y</a>"
    assert parse_index(page) == ("a:b c", "x&y")


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_parsed(page: str) -> None:
    assert isinstance(parse_index(page), tuple)


def test_profiles_are_asked_for_where_there_is_no_index() -> None:
    def respond(request: bytes) -> bytes:
        name = request.split()[1].decode().removeprefix("/debug/pprof/")
        return answer(body=b"\x1f\x8b") if name in ("heap", "goroutine") else answer("404 Not Found", b"nope")

    with serve(respond) as server, HttpFetcher(server.pprof_url) as fetcher:
        assert fetcher.index() == ("goroutine", "heap")


@pytest.mark.parametrize(
    ("respond", "expected"),
    [
        (answer("404 Not Found"), "404 Not Found"),
        (answer(body=b"<html><title>Shop</title>", Content_Type="text/html"), "'Shop'.*web page instead of a profile"),
    ],
)
def test_no_pprof_at_all(respond: bytes, expected: str) -> None:
    with serve(respond) as server, HttpFetcher(server.pprof_url) as fetcher, pytest.raises(FetchError, match=expected):
        fetcher.index()


def test_refused_index_is_an_error() -> None:
    with (
        serve(answer("403 Forbidden")) as server,
        HttpFetcher(server.pprof_url) as fetcher,
        pytest.raises(AuthError, match="403 Forbidden"),
    ):
        fetcher.index()
    assert len(server.requests) == 1
