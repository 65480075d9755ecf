"""The token is nowhere to be seen: not in texts, logs, reprs or tracebacks."""

from __future__ import annotations

import base64
import html
import json
import logging
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.fetch.redact import Redactor, redacted_logs
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import GoleakError
from tests.fetch.raw_server import CLOSE, answer, serve

TOKEN = "s3cret/+'\"<&tok"
SPELLINGS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda value: quote(value, safe="").lower() if value.islower() else quote(value, safe=""),
    lambda value: json.dumps(value)[1:-1],
    lambda value: repr(value)[1:-1],
    lambda value: repr(value.encode())[2:-1],
    html.escape,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.b64encode(f"me:{value}".encode()).decode(),
]


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=4),
    st.sampled_from(SPELLINGS),
    st.text(max_size=5),
)
def test_every_spelling_is_masked(value: str, spell: Callable[[str], str], around: str) -> None:
    redact = Redactor()
    redact.add(Secret(value), user="me")
    redacted = redact(f"{around}[{spell(value)}]{around}")
    assert spell(value) not in redacted or value in around
    assert "[***]" in redacted or value in around + "[]"


@pytest.mark.parametrize(
    "echo",
    [
        lambda token: token.encode("latin-1").decode("utf-8", "replace"),
        lambda token: token.encode().decode("latin-1"),
        lambda token: json.dumps(token.encode("latin-1").decode("utf-8", "replace"))[1:-1].replace("&", "\\u0026"),
        lambda token: token.replace("&", "\\u0026"),
    ],
    ids=["latin-1 read as utf-8", "utf-8 read as latin-1", "that in Go's JSON", "Go's JSON"],
)
def test_a_token_echoed_in_another_encoding_is_masked(echo: Callable[[str], str]) -> None:
    token = "a+b/c=&d é~s3cr3tQ"
    assert Redactor([Secret(token)])(f"[{echo(token)}]") == "[***]"


def test_texts_without_secrets_stay() -> None:
    assert Redactor()("as it was") == "as it was"
    assert Redactor([Secret("x1")])("as it was") == "as it was"


def test_empty_secret_masks_nothing() -> None:
    assert Redactor([Secret("")])("abc") == "abc"


def test_secret_that_begins_another_leaves_no_rest() -> None:
    assert Redactor([Secret("abc"), Secret("abcdef")])("abcdef abc") == "*** ***"


def test_redactor_does_not_show_itself() -> None:
    assert repr(Redactor([Secret("s3cret")])) == "<Redactor of some secrets>"


def test_log_filters_do_not_stay() -> None:
    before = [list(logging.getLogger(name).filters) for name in ("httpx", "httpcore.http11")]
    with redacted_logs(Redactor()):
        assert logging.getLogger("httpx").filters
    assert [list(logging.getLogger(name).filters) for name in ("httpx", "httpcore.http11")] == before


AUTHS = [
    Auth(header="Authotization", token_env="PPROF_TOKEN"),
    Auth(query="token", token_env="PPROF_TOKEN"),
    Auth(basic="me", token_env="PPROF_TOKEN"),
]
ECHO = json.dumps({"got": TOKEN}).encode() + f" {quote(TOKEN, safe='')} {html.escape(TOKEN)} {TOKEN}".encode()
ANSWERS: dict[str, bytes | list[bytes]] = {
    "profile": answer(body=b"\x1f\x8b"),
    "401": answer("401 Unauthorized", ECHO, Content_Type="text/plain"),
    "401 of pprof": answer("401 Unauthorized", ECHO, Content_Type="text/plain", X_Go_Pprof="1"),
    "401 in the reason": answer(f"401 {TOKEN}"),
    "500 as JSON": answer("500 Oops", ECHO, Content_Type="application/json"),
    "page": answer(body=b"<html><title>%s</title>" % ECHO, Content_Type="text/html"),
    "other origin": answer("302 Found", Location=f"http://localhost:1/?token={quote(TOKEN, safe='')}"),
    "same origin": answer("302 Found", Location=f"/x?token={quote_plus(TOKEN)}&other={quote(TOKEN)}"),
    "no HTTP": TOKEN.encode() + b"\r\n\r\n",
    "broken header": b"HTTP/1.1 200 OK\r\n" + TOKEN.encode() + b"\r\n\r\n",
    "bad encoding": answer(body=b"x", Content_Encoding=quote(TOKEN)),
    "cut": [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nEcho: " + TOKEN.encode() + b"\r\n\r\n" + ECHO[:9], CLOSE],
}


@pytest.mark.parametrize("auth", AUTHS, ids=["header", "query", "basic"])
@pytest.mark.parametrize("case", ANSWERS)
def test_nothing_shows_the_token(
    auth: Auth, case: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PPROF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    parts = ANSWERS[case]
    with (
        serve(parts if isinstance(parts, bytes) else lambda _: iter(parts)) as server,
        HttpFetcher(server.pprof_url, auth=auth) as fetcher,
    ):
        error = failure_of(fetcher)
        shown = repr(fetcher) + repr(auth)
    if case != "profile":
        assert error is not None
        assert error.__cause__ is None
        assert error.__context__ is None
        shown += everything_of(error)
    assert all(TOKEN in head or "s3cret" in head or "Basic" in head for head in server.heads())
    logged = "".join(f"{record.getMessage()} {record.args} {record.msg}" for record in caplog.records)
    assert "receive_response_headers" in logged
    for text in (shown, logged, caplog.text):
        assert "s3cret" not in text
        assert base64.b64encode(f"me:{TOKEN}".encode()).decode() not in text


def failure_of(fetcher: HttpFetcher) -> GoleakError | None:
    try:
        fetcher.fetch("heap", gc=1)
    except GoleakError as error:
        return error
    return None


def everything_of(error: BaseException) -> str:
    """Return what the most talkative traceback shows: our frames' local variables included."""
    within = error.__traceback__
    assert within is not None
    assert within.tb_next is not None  # more than this test's own frame, which is left out
    error = error.with_traceback(within.tb_next)
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_a_token_read_in_another_encoding_is_redacted() -> None:
    redact = Redactor([Secret("a+b/c=&d \xe9~s3cr3tQ")])
    token = "a+b/c=&d \xe9~s3cr3tQ"

    for written, read in (("latin-1", "utf-8"), ("utf-8", "latin-1")):
        assert redact(f"[{token.encode(written).decode(read, 'replace')}]") == "[***]"
