"""Answers that are no profiles: what was asked, what came, what to do, and nothing that a terminal can't show."""

import gzip

import pytest

from pytest_goleak.check.reading import fetch, read
from pytest_goleak.check.snapshot import Snapshot, heap_growth, take
from pytest_goleak.check.source import PprofSource
from pytest_goleak.model.errors import FetchTimeoutError, MalformedProfileError
from pytest_goleak.model.observation import Capture
from pytest_goleak.pprof.parse import parse
from tests.measure.fakes import FakeClock

URL = "http://127.0.0.1:8080/debug/pprof/heap?gc=1&debug=1"


class Answers:
    def __init__(self, content):
        self.content = content

    def fetch(self, kind, **params):
        if isinstance(self.content, Exception):
            raise self.content
        return Capture(kind=kind, url=URL, content=self.content, duration_s=0)


@pytest.mark.parametrize(
    "content", [b"\x00\x01\xff\x1b[31m" * 50, b"404 nothing here", gzip.compress(b"\x0a\x99" * 500, mtime=0)[:300], b""]
)
def test_an_answer_that_is_no_profile_is_named(content):
    source = PprofSource(Answers(content), FakeClock(), profiles=())
    capture = Answers(content).fetch("heap")
    for ask in (
        source.observe,
        lambda: heap_growth(Snapshot(heap=capture, goroutine=capture), take(Answers(content), proves=False)),
    ):
        with pytest.raises(MalformedProfileError) as caught:
            ask()
        message = str(caught.value)
        assert message.startswith(f"GET {URL} was answered with {len(content)} bytes that can't be read: ")
        assert message.isprintable()
        assert "look at the answer with curl" in message


def test_a_time_out_names_its_key_and_stays_a_time_out():
    slow = Answers(FetchTimeoutError("GET /heap: no answer within 30 s."))
    for ask in (PprofSource(slow, FakeClock(), profiles=()).observe, lambda: fetch(slow, "heap")):
        with pytest.raises(
            FetchTimeoutError, match=r"no answer within 30 s\. The key for that is timeout under"
        ) as caught:
            ask()
        assert caught.value.__context__ is None


def test_what_can_be_read_is_read():
    assert read(Capture(kind="x", url=URL, content=b"12", duration_s=0), int) == 12
    with pytest.raises(MalformedProfileError, match="empty"):
        read(Capture(kind="x", url=URL, content=b"", duration_s=0), parse)
