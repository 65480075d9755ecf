"""Sign requests with the token: only those to the target's own origins, and only at the last moment."""

from __future__ import annotations

import base64
import re
from collections.abc import Generator
from urllib.parse import urlencode

import httpx

from pytest_goleak.fetch.secret import describe_token_source
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import ConfigError

__all__ = ["Origin", "TokenAuth", "describe_auth", "origin_of"]

Origin = tuple[str, str, int]
"""Scheme, host and port: two URLs of one origin are served by one server."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # `token` of RFC 9110, section 5.6.2


def origin_of(url: httpx.URL) -> Origin:
    """Return the origin of *url*, the default port spelled out."""
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def describe_auth(auth: Auth) -> str:
    """Return how requests are authenticated, without the token."""
    sent = _describe_place(auth) if auth.has_token else "no token was sent"
    return f"{sent}, with client certificate {auth.cert}" if auth.cert else sent


def _describe_place(auth: Auth) -> str:
    token = f"the token ({describe_token_source(auth)}) was sent as"
    if auth.basic:
        return f"{token} the password of basic user {auth.basic!r}"
    if auth.query:
        return f"{token} query parameter {auth.query!r}"
    prefix = f" with scheme {auth.scheme!r}" if auth.scheme else ""
    return f"{token} header {auth.header or 'Authorization'!r}{prefix}"


class TokenAuth(httpx.Auth):
    """Add the token to requests whose origin is one of *origins*; leave all others as they are.

    Raises:
        ConfigError: ``auth.header`` is not a header name.

    """

    def __init__(self, auth: Auth, token: Secret | None, *, origins: frozenset[Origin]) -> None:
        if auth.header is not None and not _HEADER_NAME.fullmatch(auth.header):
            raise ConfigError(f"auth.header is {auth.header!r}; expected a header name, such as 'Authorization'.")
        self._auth = auth
        self._token = token
        self._origins = origins

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign *request*; part of httpx's interface."""
        if self._token and origin_of(request.url) in self._origins:
            self._sign(request, self._token)
        yield request

    def without_token(self, url: httpx.URL) -> httpx.URL:
        """Return *url* without the token's query parameter, which redirects like to repeat."""
        return url.copy_remove_param(self._auth.query) if self._auth.query else url

    def _sign(self, request: httpx.Request, token: Secret) -> None:
        if self._auth.query and not self._auth.basic:
            # Not into the URL: httpx logs that at INFO, and shows it in its exceptions and reprs.
            path = request.url.raw_path
            parameter = urlencode({self._auth.query: token.reveal()}).encode()
            request.extensions = {**request.extensions, "target": path + (b"&" if b"?" in path else b"?") + parameter}
            return
        name, value = self._header(token)
        others = [item for item in request.headers.raw if item[0].lower() != name.lower()]
        # As bytes, since httpx keeps the spelling of raw names, and services exist that look for exactly that.
        request.headers = httpx.Headers([*others, (name, value)])

    def _header(self, token: Secret) -> tuple[bytes, bytes]:
        if self._auth.basic:
            pair = f"{self._auth.basic}:{token.reveal()}".encode()
            return b"Authorization", b"Basic " + base64.b64encode(pair)
        prefix = f"{self._auth.scheme} " if self._auth.scheme else ""
        return (self._auth.header or "Authorization").encode("ascii"), f"{prefix}{token.reveal()}".encode("latin-1")
