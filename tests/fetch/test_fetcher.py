"""A real Go service, asked over TCP, TLS and a unix socket."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.fetch.tls import make_tls_context
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import AuthError, ConfigError, FetchError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.model.protocols import Fetcher
from pytest_goleak.target.process import StartedTarget, start
from tests.fetch.raw_server import CLOSE, answer, serve

CERTIFICATES = Path(__file__).parent / "test_only_certificates"
AUTH = Auth(header="Authotization", token_env="PPROF_TOKEN")
MTLS = Auth(ca="ca.pem", cert="client.pem", key="client-key.pem")


@contextmanager
def run(program: Path, *flags: str, url: str = "http://127.0.0.1:{port}") -> Iterator[StartedTarget]:
    command = (str(program), "-addr", "127.0.0.1:{port}", *flags)
    with start(TargetPlan(command=command, url=url, ready="/ready"), redact=str) as target:
        yield target


@pytest.fixture
def target(service_program: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartedTarget]:
    monkeypatch.setenv("PPROF_TOKEN", "s3cret")
    with run(service_program, "-token", "s3cret") as started:
        yield started


@pytest.fixture
def fetcher(target: StartedTarget) -> Iterator[HttpFetcher]:
    with HttpFetcher(target.pprof_url, auth=AUTH, alive=target.check_alive) as opened:
        yield opened


def test_satisfies_the_protocol(fetcher: HttpFetcher) -> None:
    source: Fetcher = fetcher
    capture = source.fetch("heap", gc=1)
    assert capture.content.startswith(b"\x1f\x8b")
    assert (capture.kind, capture.url.rpartition("/")[2]) == ("heap", "heap?gc=1")
    assert 0 < capture.duration_s < 10
    assert b"# runtime.MemStats" in source.fetch("heap", debug=1).content
    assert {"allocs", "goroutine", "heap"} <= set(source.index())


def test_monitoring(fetcher: HttpFetcher, target: StartedTarget) -> None:
    assert "memstats" in json.loads(fetcher.get("/debug/vars"))
    assert "memstats" in json.loads(fetcher.get(f"{target.url}/debug/vars"))


def test_wrong_token_is_not_repeated_by_us(target: StartedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "wr0ng")
    auth = Auth(header="Authotization", token_env="WRONG")
    with HttpFetcher(target.pprof_url, auth=auth) as fetcher, pytest.raises(AuthError) as caught:
        fetcher.index()
    assert "said 'bad token \"***\"'" in str(caught.value)


def test_one_connection_serves_all_requests(fetcher: HttpFetcher) -> None:
    first = int(fetcher.get("/connections"))
    counts = set()
    for _ in range(30):
        fetcher.fetch("heap", gc=1)
        fetcher.fetch("goroutine")
        counts.add(int(fetcher.get("/goroutines")))
    with pytest.raises(FetchError):
        fetcher.fetch("no-such-profile")
    assert int(fetcher.get("/connections")) == first
    assert len(counts) == 1


def test_goroutines_of_our_requests_are_constant(fetcher: HttpFetcher) -> None:
    fetcher.fetch("goroutine", debug=1)
    totals = set()
    for _ in range(10):
        match = re.match(rb"goroutine profile: total (\d+)", fetcher.fetch("goroutine", debug=1).content)
        assert match
        totals.add(match.group(1))
    assert len(totals) == 1


def test_idle_connection_is_kept(fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    before = int(fetcher.get("/connections"))
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 3600)
    assert int(fetcher.get("/connections")) == before


def test_connects_again_when_the_server_closed_the_connection(service_program: Path) -> None:
    with run(service_program, "-idle-timeout", "50ms") as target, HttpFetcher(target.pprof_url) as fetcher:
        before = int(fetcher.get("/connections"))
        time.sleep(0.3)  # the service closes what idles for 0.05 s; nothing on our side shows it
        assert int(fetcher.get("/connections")) == before + 1


def test_connects_again_once_when_the_connection_breaks_under_the_request() -> None:
    answers = iter([answer(body=b"1"), CLOSE, answer(body=b"2"), CLOSE, CLOSE, answer(body=b"3")])
    with serve(lambda _: iter([next(answers)])) as server, HttpFetcher(server.pprof_url) as fetcher:
        assert fetcher.fetch("heap").content == b"1"
        assert fetcher.fetch("heap").content == b"2"
        with pytest.raises(FetchError, match="disconnected"):
            fetcher.fetch("heap")
        assert fetcher.fetch("heap").content == b"3"
    assert server.connections == 4


def test_cookies_are_not_kept() -> None:
    with serve(answer(body=b"x", Set_Cookie="session=1")) as server, HttpFetcher(server.pprof_url) as fetcher:
        fetcher.fetch("heap")
        fetcher.fetch("heap")
    assert not any("cookie" in head.lower() for head in server.heads())


def test_unix_socket(service_program: Path, tmp_path: Path) -> None:
    plan = TargetPlan(
        command=(str(service_program), "-socket", "{tmp}/s.sock"),
        socket="{tmp}/s.sock",
        url="http://service",
        ready="/ready",
    )
    with start(plan, redact=str) as target:
        assert target.socket is not None
        with HttpFetcher(target.pprof_url, socket=target.socket, root=tmp_path) as fetcher:
            assert "heap" in fetcher.index()
            assert fetcher.get("/ready") == b""


@pytest.fixture
def tls_target(service_program: Path) -> Iterator[StartedTarget]:
    flags = ("-tls-cert", str(CERTIFICATES / "server.pem"), "-tls-key", str(CERTIFICATES / "server-key.pem"))
    with run(service_program, *flags, url="https://127.0.0.1:{port}") as target:
        yield target


def test_own_authority(tls_target: StartedTarget) -> None:
    with HttpFetcher(tls_target.pprof_url, auth=Auth(ca="ca.pem"), root=CERTIFICATES) as fetcher:
        assert "heap" in fetcher.index()
    with HttpFetcher(tls_target.pprof_url) as fetcher, pytest.raises(FetchError, match=r"Set auth\.ca"):
        fetcher.index()


def test_plain_http_where_tls_is_expected(target: StartedTarget) -> None:
    url = target.pprof_url.replace("http:", "https:")
    with HttpFetcher(url) as fetcher, pytest.raises(FetchError, match="http:// instead of https://"):
        fetcher.index()


def test_tls_where_plain_http_is_expected(tls_target: StartedTarget) -> None:
    url = tls_target.pprof_url.replace("https:", "http:")
    with HttpFetcher(url) as fetcher, pytest.raises(FetchError, match=r"400 .*an HTTP request to an HTTPS server"):
        fetcher.index()


def test_client_certificate(service_program: Path) -> None:
    files = {"-tls-cert": "server.pem", "-tls-key": "server-key.pem", "-client-ca": "ca.pem"}
    flags = [word for flag, name in files.items() for word in (flag, str(CERTIFICATES / name))]
    command = (str(service_program), "-addr", "127.0.0.1:{port}", *flags)
    plan = TargetPlan(command=command, url="https://127.0.0.1:{port}", ready="/ready")
    with start(plan, redact=str, tls=make_tls_context(MTLS, root=CERTIFICATES)) as target:
        with HttpFetcher(target.pprof_url, auth=MTLS, root=CERTIFICATES) as fetcher:
            assert "heap" in fetcher.index()
        with (
            HttpFetcher(target.pprof_url, auth=Auth(ca="ca.pem"), root=CERTIFICATES) as fetcher,
            pytest.raises(FetchError, match=r"set auth\.cert and auth\.key"),
        ):
            fetcher.index()


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (Auth(key="client-key.pem"), r"auth\.key is 'client-key\.pem', but auth\.cert is not set"),
        (Auth(cert="nope.pem"), r"auth\.cert is '.*nope\.pem', and there is no such file"),
        (Auth(cert="client.pem", key="nope.pem"), r"auth\.key is '.*nope\.pem', and there is no such file"),
        (Auth(ca="nope.pem"), r"auth\.ca is '.*nope\.pem', and there is no such file"),
        (Auth(ca="client-key.pem"), r"auth\.ca is 'client-key\.pem', which holds no usable certificate"),
        (Auth(cert="client.pem"), r"auth\.cert 'client\.pem' and auth\.key None cannot be loaded"),
        (Auth(cert="client.pem", key="server-key.pem"), r"cannot be loaded \(.*mismatch"),
    ],
)
def test_tls_files_that_do_not_fit(auth: Auth, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        HttpFetcher("https://127.0.0.1:1", auth=auth, root=CERTIFICATES)


def test_tls_files_without_tls() -> None:
    with pytest.raises(ConfigError, match="no URL of the target is https"):
        HttpFetcher("http://127.0.0.1:1", auth=MTLS, root=CERTIFICATES)


def test_repr_is_short() -> None:
    with HttpFetcher("http://127.0.0.1:1/debug/pprof/") as fetcher:
        assert repr(fetcher) == "<HttpFetcher http://127.0.0.1:1/debug/pprof>"
