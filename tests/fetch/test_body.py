"""Answers of the wrong size, form or speed."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.model.errors import FetchError, FetchTimeoutError, TooLargeError
from tests.fetch.raw_server import CLOSE, Respond, answer, serve

MIB = 1024 * 1024
GZIPPED = gzip.compress(b"profile", mtime=0)  # the same in every process that collects these tests


def fetched(respond: Respond | bytes, *, limit: int = MIB, timeout_s: float = 10.0) -> bytes:
    with (
        serve(respond) as server,
        HttpFetcher(server.pprof_url, max_response_bytes=limit, timeout_s=timeout_s) as fetcher,
    ):
        return fetcher.fetch("heap").content


def chunks(count: int, size: int, *, pause_s: float = 0.0) -> Respond:
    def respond(_: bytes) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _number in range(count):
            yield b"%x\r\n%s\r\n" % (size, b"x" * size)
            time.sleep(pause_s)
        yield b"0\r\n\r\n"

    return respond


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", GZIPPED),
        ("x-gzip", GZIPPED),
        ("deflate", zlib.compress(b"profile")),
        ("identity", b"profile"),
        ("GZIP", GZIPPED),
    ],
)
def test_content_encoding_is_undone(encoding: str, body: bytes) -> None:
    assert fetched(answer(body=body, Content_Encoding=encoding)) == b"profile"


def test_profile_itself_stays_compressed() -> None:
    body = GZIPPED
    assert fetched(answer(body=body)) == body


def test_limit_is_allowed_and_one_more_is_not() -> None:
    assert fetched(chunks(4, 1000), limit=4000) == b"x" * 4000
    with pytest.raises(TooLargeError, match=r"larger than 3.91 KiB \(sent\)"):
        fetched(chunks(4, 1000), limit=3999)
    packed = gzip.compress(b"x" * 4000)
    assert fetched(answer(body=packed, Content_Encoding="gzip"), limit=4000) == b"x" * 4000
    with pytest.raises(TooLargeError, match="decompressed"):
        fetched(answer(body=packed, Content_Encoding="gzip"), limit=3999)


def test_endless_answer_is_cut_off() -> None:
    with pytest.raises(TooLargeError):
        fetched(chunks(10_000_000, 1000), limit=100_000)


def test_announced_size_is_believed() -> None:
    with pytest.raises(TooLargeError, match="announced"):
        fetched(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")


def test_bomb_is_not_expanded() -> None:
    bomb = gzip.compress(b"\0" * (100 * MIB), 1)
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match="decompressed"):
            fetched(answer(body=bomb, Content_Encoding="gzip"))
        assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("respond", "expected"),
    [
        (answer(body=GZIPPED[:-4], Content_Encoding="gzip"), "in the middle of its gzip data"),
        (answer(body=b"plain", Content_Encoding="gzip"), "the body is not of it"),
        (answer(body=b"x", Content_Encoding="br"), "Content-Encoding 'br'"),
    ],
)
def test_encoding_that_is_none(respond: bytes, expected: str) -> None:
    with pytest.raises(FetchError, match=expected):
        fetched(respond)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    ],
)
def test_truncated_answer(head: bytes) -> None:
    with pytest.raises(FetchError, match="break off"):
        fetched(lambda _: iter([head, CLOSE]))


def test_no_answer_in_time() -> None:
    def respond(_: bytes) -> Iterator[bytes]:
        time.sleep(1.0)
        yield answer(body=b"late")

    started = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"no answer within 0.2 s"):
        fetched(respond, timeout_s=0.2)
    assert time.monotonic() - started < 5


def test_drip_does_not_hold_us_for_ever() -> None:
    started = time.monotonic()
    with pytest.raises(FetchTimeoutError, match=r"not answered completely within 0.5 s: \d+ B arrived"):
        fetched(chunks(100, 1, pause_s=0.05), timeout_s=0.5)
    assert time.monotonic() - started < 4


def test_patience_grows_with_the_time_answers_take() -> None:
    waits = iter([0.15, 1.0])

    def respond(_: bytes) -> Iterator[bytes]:
        time.sleep(next(waits))
        yield answer(body=b"profile")

    with serve(respond) as server, HttpFetcher(server.pprof_url, timeout_s=0.4) as fetcher:
        assert fetcher.fetch("heap").duration_s >= 0.15
        assert fetcher.fetch("heap").duration_s >= 1.0


def test_recordings_get_their_time() -> None:
    def respond(_: bytes) -> Iterator[bytes]:
        time.sleep(0.6)
        yield answer(body=b"profile")

    with serve(respond) as server, HttpFetcher(server.pprof_url, timeout_s=0.3) as fetcher:
        assert fetcher.fetch("profile", seconds=1).content == b"profile"
