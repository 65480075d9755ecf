"""Fetch profiles and counters over one connection that stays open."""

from __future__ import annotations

import socket as socketlib
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from pytest_goleak.fetch.auth import Origin, TokenAuth, origin_of
from pytest_goleak.fetch.body import BodyLimits, read_body
from pytest_goleak.fetch.explain import Answer, Explainer
from pytest_goleak.fetch.index import KNOWN_PROFILES, parse_index
from pytest_goleak.fetch.redact import Redactor, redacted_logs
from pytest_goleak.fetch.secret import resolve_token
from pytest_goleak.fetch.tls import make_tls_context
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import ConfigError, FetchError
from pytest_goleak.model.observation import Capture

__all__ = ["HttpFetcher"]

_MAX_REDIRECTS = 5
_CONNECT_TIMEOUT_S = 10.0
# A request waits for collections, and these take longer as the heap grows: this many times the slowest seen so far
# is no longer the same service at work.
_PATIENCE = 20.0
_BROKEN_CONNECTION = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class HttpFetcher:
    """Authenticated GET requests to one service, within limits of time and size.

    One connection is kept for the fetcher's whole life, so that our own requests cost the service a constant number
    of goroutines. Close it, or use it as a context manager. The token is resolved at the first request.

    Args:
        pprof_url: URL of the pprof index.
        auth: How to authenticate, at the origins of *pprof_url* and *base_url* only.
        root: Directory that relative paths in *auth* and *socket* start from.
        timeout_s: Longest wait for an answer; it grows with the time that answers take.
        max_response_bytes: Largest answer, both as sent and decompressed.
        socket: Unix socket to connect to instead of the URLs' host.
        alive: Called when a request fails; raises if the service is known to be dead, which explains more.
        base_url: Origin that paths given to :meth:`get` are joined to; default is that of *pprof_url*.
        token: The token, if it was resolved already.

    Raises:
        ConfigError: a URL is not one, or the TLS files of *auth* are unusable.

    """

    def __init__(
        self,
        pprof_url: str,
        *,
        auth: Auth | None = None,
        root: str | Path = ".",
        timeout_s: float = 30.0,
        max_response_bytes: int = 256 * 1024 * 1024,
        socket: str | None = None,
        alive: Callable[[], None] | None = None,
        base_url: str | None = None,
        token: Secret | None = None,
    ) -> None:
        self._auth = auth or Auth()
        self._root = Path(root)
        self._timeout_s = timeout_s
        self._max_response_bytes = max_response_bytes
        self._alive = alive
        self._pprof = _parse_url(pprof_url, "target.pprof")
        self._base = _parse_url(base_url, "target.url") if base_url else self._pprof
        self._origins = frozenset({origin_of(self._pprof), origin_of(self._base)})
        self._redact = Redactor()
        self._socket = str(self._root / socket) if socket else None
        self._explain = Explainer(self._auth, self._redact, socket=self._socket)
        self._token = token
        self._signer: TokenAuth | None = None
        self._has_connected = False
        self._slowest_s = 0.0
        self._client = _make_client(self._auth, self._root, self._origins, socket=self._socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HttpFetcher {self._pprof}>"

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def fetch(self, kind: str, **params: int) -> Capture:
        """Return the profile *kind*, with query parameters such as ``gc=1`` or ``debug=1``.

        Raises:
            FetchError: no usable answer; the message says what was asked, what came, and what to do.
            AuthError: the service refused the token, or there is none to send.
            FetchTimeoutError: the answer was not complete in time.
            TooLargeError: the answer exceeds the limit.

        """
        url = self._profile_url(kind)
        started = time.monotonic()
        # Recordings answer only when their time is over.
        answer = self._ask(url.copy_merge_params(params) if params else url, extra_s=params.get("seconds", 0))
        error = self._explain.refusal(answer) or self._explain.no_profile(answer)
        if error:
            raise error
        return Capture(kind=kind, url=answer.url, content=answer.body, duration_s=time.monotonic() - started)

    def index(self) -> tuple[str, ...]:
        """Return the names of the profiles that the service offers, sorted.

        They are read off pprof's index page. Where that is not served, each known profile is asked for instead.

        Raises:
            FetchError: there is no pprof at this URL.

        """
        page = self._ask(self._profile_url(""))
        refused = self._explain.refusal(page)
        if refused and page.status != 404:
            raise refused
        names = parse_index(page.body.decode("utf-8", "replace")) if not refused else ()
        names = names or tuple(name for name in KNOWN_PROFILES if self._serves(name))
        nothing = refused or self._explain.no_profile(page)
        if not names:
            raise nothing or FetchError(f"{self._explain.asked(page.url)}: no profile is offered there. Is it pprof?")
        return names

    def get(self, path_or_url: str) -> bytes:
        """Return what a monitoring URL of the same service answers, such as ``/debug/vars``.

        Raises:
            FetchError: no usable answer, or a URL of another server.

        """
        url = _joined(self._base, path_or_url)
        if url is None or origin_of(url) not in self._origins:
            raise FetchError(
                f"{path_or_url!r} is not on the target ({self._base}), and other servers get no authenticated "
                "requests. Give a path, or a URL with the scheme, host and port of target.url or target.pprof."
            )
        answer = self._ask(url)
        error = self._explain.refusal(answer)
        if error:
            raise error
        return answer.body

    def _profile_url(self, kind: str) -> httpx.URL:
        return self._pprof.copy_with(path=f"{self._pprof.path.rstrip('/')}/{quote(kind)}")

    def _serves(self, name: str) -> bool:
        answer = self._ask(self._profile_url(name))
        return not (self._explain.refusal(answer) or self._explain.no_profile(answer))

    def _ask(self, url: httpx.URL, *, extra_s: float = 0.0) -> Answer:
        """Return the answer to *url*, or raise an error without history.

        The frames in which it went wrong hold signed requests and what the server wrote, and tracebacks may show local
        variables. So the error is a new one, raised where no other is being handled.
        """
        try:
            return self._follow(url, extra_s=extra_s)
        except FetchError as error:
            clean = type(error)(self._redact(str(error)))
        raise clean

    def _follow(self, url: httpx.URL, *, extra_s: float) -> Answer:
        """Return the answer to *url* after redirects within its origin."""
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._exchange(url, extra_s=extra_s)
            location = answer.headers.get("Location")
            if not 300 <= answer.status < 400 or location is None:
                return answer
            target = _joined(url, location)
            if target is None or origin_of(target) != origin_of(url):
                raise self._explain.redirect(answer.url, location if target is None else str(target))
            url = self._sign().without_token(target)
        raise FetchError(
            f"{self._explain.asked(str(url))}: redirected more than {_MAX_REDIRECTS} times. Check target.pprof."
        )

    def _exchange(self, url: httpx.URL, *, extra_s: float) -> Answer:
        """Return the answer to one request, a redirect included."""
        shown = self._redact(str(url))
        timeout_s = max(self._timeout_s, _PATIENCE * self._slowest_s) + extra_s
        signer = self._sign()
        started_s = time.monotonic()
        limits = BodyLimits(max_bytes=self._max_response_bytes, timeout_s=timeout_s, started_s=started_s)
        failed: FetchError | None = None
        with redacted_logs(self._redact):
            try:
                with closing(self._send(url, signer, timeout_s)) as response:
                    body = read_body(response, limits, asked=self._explain.asked(shown))
            except httpx.HTTPError as error:
                failed = self._explain.failure(error, url=shown, timeout_s=timeout_s)
        if failed is not None:
            self._raise_if_dead()  # here, not while the other error is handled: that would be its context
            raise failed
        self._has_connected = True
        self._slowest_s = max(self._slowest_s, time.monotonic() - started_s - extra_s)
        return Answer(
            url=shown,
            status=response.status_code,
            reason=response.reason_phrase,
            headers=response.headers,
            body=body,
        )

    def _send(self, url: httpx.URL, signer: TokenAuth, timeout_s: float) -> httpx.Response:
        """Return the open answer; connect again, once, if the server closed the kept connection meanwhile."""
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
        self._client.cookies.clear()  # a session would make the second request another one than the first
        request = self._client.build_request("GET", url, timeout=timeout)
        if self._socket and not self._has_connected:
            _try_socket(self._socket)
        try:
            return self._client.send(request, auth=signer, stream=True)
        except _BROKEN_CONNECTION:
            if not self._has_connected:
                raise
            self._has_connected = False
        request = self._client.build_request("GET", url, timeout=timeout)
        return self._client.send(request, auth=signer, stream=True)

    def _sign(self) -> TokenAuth:
        if self._signer is None:
            token = self._token or resolve_token(self._auth, root=self._root)
            if token:
                self._redact.add(token, user=self._auth.basic)
            self._signer = TokenAuth(self._auth, token, origins=self._origins)
        return self._signer

    def _raise_if_dead(self) -> None:
        if self._alive is not None:
            self._alive()


def _make_client(auth: Auth, root: Path, origins: frozenset[Origin], *, socket: str | None) -> httpx.Client:
    if any(scheme == "https" for scheme, _, _ in origins):
        context = make_tls_context(auth, root=root)
    elif auth.cert or auth.key or auth.ca:
        raise ConfigError("auth.cert, auth.key and auth.ca are for TLS, but no URL of the target is https://.")
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; httpx's own takes time to load
    transport = httpx.HTTPTransport(
        verify=context,
        # A proxy that the environment names must not see the token.
        trust_env=False,
        limits=httpx.Limits(
            max_connections=len(origins), max_keepalive_connections=len(origins), keepalive_expiry=None
        ),
        uds=socket,
    )
    # Profiles are compressed already. And to be redirected is an answer here, see HttpFetcher._follow.
    headers = {"Accept-Encoding": "identity", "User-Agent": "pytest-goleak"}
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False, headers=headers)


def _try_socket(path: str) -> None:
    """Raise if nobody listens at *path*; httpcore finds out, too, but forgets to close its socket then."""
    with socketlib.socket(socketlib.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error


def _parse_url(text: str, key: str) -> httpx.URL:
    if "@" in text or "?" in text:
        # Not shown: these parts of a URL are where people put secrets.
        raise ConfigError(f"{key} has a user or a query. Tokens belong to [auth], with basic = or query =.")
    url = _joined(httpx.URL(), text.rstrip("/"))
    if url is None or url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(f"{key} is {text!r}; expected a URL such as http://127.0.0.1:8080/debug/pprof.")
    return url


def _joined(url: httpx.URL, reference: str) -> httpx.URL | None:
    """Return *reference* as seen from *url*, ``None`` if it is not a URL."""
    try:
        return url.join(reference)
    except httpx.InvalidURL:
        return None
