"""What arrives at a server, to the byte; and what never does."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest

from pytest_goleak.fetch.auth import TokenAuth, describe_auth, origin_of
from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import AuthError, ConfigError, FetchError
from tests.fetch.raw_server import RawServer, answer, serve

TOKEN = "s3cret/+ &tok"
PROFILE = answer(body=b"\x1f\x8bprofile", Content_Type="application/octet-stream")


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPROF_TOKEN", TOKEN)


def sent(auth: Auth, **params: int) -> str:
    with serve(PROFILE) as server, HttpFetcher(server.pprof_url, auth=auth) as fetcher:
        capture = fetcher.fetch("heap", **params)
    assert capture.content == b"\x1f\x8bprofile"
    assert "s3cret" not in capture.url
    return server.heads()[0]


@pytest.mark.parametrize("name", ["Authotization", "X-tOKEN", "authorization"])
def test_header_is_spelled_as_given(name: str) -> None:
    assert f"\r\n{name}: {TOKEN}\r\n" in sent(Auth(header=name, token_env="PPROF_TOKEN"))


def test_scheme_comes_before_the_token() -> None:
    assert f"\r\nAuthorization: Bearer {TOKEN}\r\n" in sent(Auth(scheme="Bearer", token_env="PPROF_TOKEN"))


def test_query() -> None:
    head = sent(Auth(query="token", token_env="PPROF_TOKEN"), gc=1)
    assert head.startswith("GET /debug/pprof/heap?gc=1&token=s3cret%2F%2B+%26tok HTTP/1.1\r\n")
    assert head.count("s3cret") == 1
    head = sent(Auth(query="token", token_env="PPROF_TOKEN"))
    assert head.startswith("GET /debug/pprof/heap?token=s3cret%2F%2B+%26tok HTTP/1.1\r\n")


def test_basic() -> None:
    pair = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    assert f"\r\nAuthorization: Basic {pair}\r\n" in sent(Auth(basic="me", token_env="PPROF_TOKEN"))


def test_latin_1_is_sent_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPROF_TOKEN", "caf\xe9")
    assert "\r\nX: caf\xe9\r\n" in sent(Auth(header="X", token_env="PPROF_TOKEN"))


def test_without_auth_nothing_is_sent() -> None:
    assert "s3cret" not in sent(Auth())


def test_environment_proxy_and_netrc_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serve(answer("418 I am the proxy")) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert "Authorization" not in sent(Auth(header="X", token_env="PPROF_TOKEN"))
    assert proxy.connections == 0


def test_a_token_resolved_before_is_used() -> None:
    auth = Auth(header="X", token_env="UNSET_VARIABLE")
    with serve(PROFILE) as server, HttpFetcher(server.pprof_url, auth=auth, token=Secret("given")) as fetcher:
        fetcher.fetch("heap")
    assert "\r\nX: given\r\n" in server.heads()[0]


def test_token_is_resolved_at_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PPROF_TOKEN")
    auth = Auth(token_env="PPROF_TOKEN")
    with HttpFetcher("http://127.0.0.1:1", auth=auth) as fetcher, pytest.raises(AuthError, match="PPROF_TOKEN"):
        fetcher.fetch("heap")


@pytest.mark.parametrize("auth", [Auth(header="X", token_env="PPROF_TOKEN"), Auth(query="t", token_env="PPROF_TOKEN")])
def test_redirect_to_another_origin_is_refused(auth: Auth) -> None:
    with serve(PROFILE) as thief:
        moved = answer("302 Found", Location=f"{thief.url}/steal?t={TOKEN.replace(' ', '+')}")
        with (
            serve(moved) as server,
            HttpFetcher(server.pprof_url, auth=auth) as fetcher,
            pytest.raises(FetchError, match="redirected to another server") as caught,
        ):
            fetcher.fetch("heap")
    assert thief.connections == 0
    assert thief.url in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1/", "http://localhost/", "http://127.0.0.1/", "//evil/", "http://[", "ftp://127.0.0.1"],
)
def test_other_scheme_host_or_port_is_another_origin(location: str) -> None:
    with serve(answer("301 Moved Permanently", Location=location)) as server:
        auth = Auth(header="X", token_env="PPROF_TOKEN")
        with HttpFetcher(server.pprof_url, auth=auth) as fetcher, pytest.raises(FetchError, match="another server"):
            fetcher.fetch("heap")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("auth", "mark"),
    [
        (Auth(header="X", token_env="PPROF_TOKEN"), f"\r\nX: {TOKEN}\r\n"),
        (Auth(query="token", token_env="PPROF_TOKEN"), "?gc=1&token=s3cret%2F%2B+%26tok HTTP"),
    ],
)
def test_redirect_within_the_origin_is_followed_with_the_token(auth: Auth, mark: str) -> None:
    def respond(request: bytes) -> bytes:
        target = request.split()[1]
        # As a router does that adds a slash: what was asked for, with its query, is in the new place's URL.
        moved = answer("301 Moved Permanently", Location=target.decode().replace("heap", "heap/"))
        return PROFILE if b"heap/" in target else moved

    with serve(respond) as server, HttpFetcher(server.pprof_url, auth=auth) as fetcher:
        capture = fetcher.fetch("heap", gc=1)
    assert capture.url == f"{server.pprof_url}/heap/?gc=1"
    assert [head.count("s3cret") for head in server.heads()] == [1, 1]
    assert all(mark in head for head in server.heads())
    assert server.connections == 1


def test_redirects_are_bounded() -> None:
    with (
        serve(answer("302 Found", Location="/again")) as server,
        HttpFetcher(server.pprof_url) as fetcher,
        pytest.raises(FetchError, match="more than 5 times"),
    ):
        fetcher.fetch("heap")
    assert len(server.requests) == 6


def test_monitoring_urls_of_both_origins_get_the_token_and_no_others() -> None:
    auth = Auth(header="X", token_env="PPROF_TOKEN")
    with (
        serve(PROFILE) as pprof,
        serve(answer(body=b"{}")) as service,
        serve(PROFILE) as stranger,
        HttpFetcher(pprof.pprof_url, base_url=service.url, auth=auth) as fetcher,
    ):
        assert fetcher.get("/debug/vars") == b"{}"
        assert fetcher.get(f"{pprof.url}/metrics") == b"\x1f\x8bprofile"
        for url in (f"{stranger.url}/x", f"//{stranger.url.removeprefix('http://')}/x", "http://h:x/"):
            with pytest.raises(FetchError, match="is not on the target"):
                fetcher.get(url)
    check_got_token(pprof, "/metrics")
    check_got_token(service, "/debug/vars")
    assert stranger.connections == 0


def check_got_token(server: RawServer, path: str) -> None:
    (head,) = server.heads()
    assert head.startswith(f"GET {path} HTTP/1.1\r\n")
    assert f"\r\nX: {TOKEN}\r\n" in head


@pytest.mark.parametrize("url", ["http://me:s3cret@127.0.0.1/debug/pprof", "http://127.0.0.1/debug/pprof?token=s3cret"])
def test_secrets_in_the_url_are_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigError, match=r"\[auth\]") as caught:
        HttpFetcher(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://h/", "http://", "/debug/pprof", "http://h:x"])
def test_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="expected a URL"):
        HttpFetcher(url)


@pytest.mark.parametrize("name", ["X Y", "X:", "", "\xe9", "X\r\nY"])
def test_header_that_is_none(name: str) -> None:
    auth = Auth(header=name, token_env="PPROF_TOKEN")
    with HttpFetcher("http://127.0.0.1:1", auth=auth) as fetcher, pytest.raises(ConfigError, match=r"auth\.header"):
        fetcher.fetch("heap")


@pytest.mark.parametrize("url", ["http://h:1/", "https://h/", "http://other/"])
def test_requests_to_other_origins_are_not_signed(url: str) -> None:
    origins = frozenset({origin_of(httpx.URL("http://h/"))})
    for auth in (Auth(header="X", token_env="T"), Auth(query="t", token_env="T")):
        signer = TokenAuth(auth, Secret("s3cret"), origins=origins)
        request = next(signer.auth_flow(httpx.Request("GET", url)))
        assert "s3cret" not in str(request.headers.raw) + str(request.extensions)
        request = next(signer.auth_flow(httpx.Request("GET", "http://h/")))
        assert "s3cret" in str(request.headers.raw) + str(request.extensions)


def test_origin_has_its_port() -> None:
    assert origin_of(httpx.URL("HTTP://Example.com/x")) == ("http", "example.com", 80)
    assert origin_of(httpx.URL("https://example.com:444")) == ("https", "example.com", 444)


def test_auth_in_words() -> None:
    assert describe_auth(Auth()) == "no token was sent"
    words = describe_auth(Auth(header="X", scheme="Bearer", token_env="T", cert="c.pem"))
    assert (
        words
        == "the token (environment variable T) was sent as header 'X' with scheme 'Bearer', with client certificate c.pem"
    )
    assert "query parameter 'q'" in describe_auth(Auth(query="q", token_env="T"))
    assert "password of basic user 'u'" in describe_auth(Auth(basic="u", token_env="T"))
