"""Every failure says what was asked, what came, and what to do."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import AuthError, FetchError, TargetError
from tests.fetch.raw_server import CLOSE, RawServer, answer, serve

AUTH = Auth(header="Authotization", token_env="PPROF_TOKEN")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPROF_TOKEN", "s3cret")


def failed(server: RawServer, auth: Auth = AUTH) -> str:
    with HttpFetcher(server.pprof_url, auth=auth) as fetcher, pytest.raises(FetchError) as caught:
        fetcher.fetch("heap", gc=1)
    assert isinstance(caught.value, AuthError) == (" 401 " in str(caught.value) or " 403 " in str(caught.value))
    return str(caught.value)


def test_wrong_token() -> None:
    with serve(
        answer("401 Unauthorized", b"invalid\nsecond line\n", Content_Type="text/plain; charset=utf-8")
    ) as server:
        message = failed(server)
    assert message == (
        f"GET {server.pprof_url}/heap?gc=1 was answered 401 Unauthorized (text/plain) and said 'invalid'. "
        "The service refused: the token (environment variable PPROF_TOKEN) was sent as header 'Authotization'. "
        "Is it the right token, and is the name spelled exactly as the service spells it? "
        "Does the service expect a scheme such as 'Bearer', or none?"
    )


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_token_needed_but_none_set(status: str) -> None:
    with serve(answer(status)) as server:
        message = failed(server, Auth())
    assert "no token was sent. Set [auth] header and token_env" in message


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            answer("404 Not Found", b"404 page not found\n", Content_Type="text/plain"),
            ["'404 page not found'", 'import _ "net/http/pprof"', "on this port?"],
        ),
        (
            answer("404 Not Found", b"Unknown profile\n", Content_Type="text/plain", X_Go_Pprof="1"),
            ["'Unknown profile'", "pprof is there", "Go version"],
        ),
        (
            answer("500 Oops", b"one\ntwo", Content_Type="text/plain", X_Go_Pprof="1"),
            ["500 Oops", "'one two'", "its own log"],
        ),
        (
            answer("502 Bad Gateway", b"<html><h1>nginx</h1>", Content_Type="text/html"),
            ["502 Bad Gateway (text/html)", "'nginx'", "proxy"],
        ),
        (
            answer("400 Bad Request", b"Client sent an HTTP request to an HTTPS server.", Content_Type="text/plain"),
            ["HTTPS server"],
        ),
        (answer("304 Not Modified"), ["304 Not Modified", "target.pprof"]),
        (
            answer(body=b"<!DOCTYPE html><title>Log in</title>", Content_Type="text/html"),
            ["a web page instead of a profile", "'Log in'"],
        ),
        (answer(body=b"\n<html>"), ["a web page instead of a profile"]),
        (answer(body=b'{"error": "denied"}', Content_Type="application/json"), ["JSON instead of a profile", "denied"]),
        (answer(), ["200 OK", "an empty body"]),
        (answer("204 No Content"), ["204 No Content", "an empty body"]),
        (answer("500 Oops", b"x" * 500, Content_Type="text/plain"), ["'" + "x" * 200 + "…'"]),
        (answer("500 Oops", b"\xff\x00", Content_Type="image/png"), ["500 Oops (image/png). The"]),
    ],
)
def test_answers_that_are_no_profile(response: bytes, expected: list[str]) -> None:
    with serve(response) as server:
        message = failed(server)
    assert message.startswith(f"GET {server.pprof_url}/heap?gc=1 was answered ")
    for words in expected:
        assert words in message


def test_nobody_listens() -> None:
    with serve(b"") as server:
        pass
    message = failed(server)
    assert message.startswith(f"GET {server.pprof_url}/heap?gc=1 failed: ")
    assert "Connection refused" in message
    assert "target.pprof" in message


def test_host_is_unknown() -> None:
    assert "Is the service up" in failed(RawServer("http://no-such-host.invalid"))


def test_unix_socket_is_missing(tmp_path: Path) -> None:
    with (
        HttpFetcher("http://service/debug/pprof", socket="s.sock", root=tmp_path) as fetcher,
        pytest.raises(FetchError, match="No such file") as caught,
    ):
        fetcher.fetch("heap")
    assert f"listens on the unix socket {tmp_path / 's.sock'}" in str(caught.value)


def test_port_that_does_not_speak_http() -> None:
    with serve(b"SSH-2.0-OpenSSH\r\n\r\n") as server:
        assert "Is the port HTTP?" in failed(server)


def test_connection_is_closed_without_an_answer() -> None:
    with serve(lambda _: iter([CLOSE])) as server:
        assert "Server disconnected without sending a response" in failed(server)
    assert len(server.requests) == 1


def test_unknown_authority() -> None:
    certificates = Path(__file__).parent / "test_only_certificates"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
    with serve(answer(), tls=context) as server:
        assert "Set auth.ca" in failed(server)


def test_a_dead_service_is_the_better_explanation() -> None:
    def alive() -> None:
        raise TargetError("it died")

    with serve(b"") as server:
        pass
    with HttpFetcher(server.pprof_url, alive=alive) as fetcher, pytest.raises(TargetError, match="it died") as caught:
        fetcher.fetch("heap")
    assert caught.value.__context__ is None


def test_a_living_service_leaves_the_explanation() -> None:
    with serve(b"") as server:
        pass
    with HttpFetcher(server.pprof_url, alive=lambda: None) as fetcher, pytest.raises(FetchError, match="refused"):
        fetcher.fetch("heap")


def test_get_explains_too() -> None:
    with (
        serve(answer("404 Not Found")) as server,
        HttpFetcher(server.pprof_url) as fetcher,
        pytest.raises(FetchError, match=f"GET {server.url}/debug/vars was answered 404"),
    ):
        fetcher.get("/debug/vars")
