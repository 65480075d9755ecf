"""Turn what went wrong with a request into an error that says what was asked, what came, and what to do."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from pytest_goleak.fetch.auth import describe_auth
from pytest_goleak.fetch.redact import Redactor
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import AuthError, FetchError, FetchTimeoutError
from pytest_goleak.model.units import format_seconds

__all__ = ["Answer", "Explainer"]

_TITLE = re.compile(r"<(?:title|h1)[^>]*>\s*([^<]+?)\s*</", re.IGNORECASE)
_QUOTED_CHARACTERS = 200
# pprof's own errors, which it marks with `X-Go-Pprof`, are short and worth reading to the end.
_QUOTED_CHARACTERS_OF_PPROF = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer; what the service wrote stays out of its ``repr``, for it may repeat the token."""

    url: str
    """What was asked for, without the token."""
    status: int
    reason: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type, without parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_from_pprof(self) -> bool:
        """Whether this is an error that pprof itself wrote."""
        return bool(self.headers.get("X-Go-Pprof"))

    @property
    def looks_like_html(self) -> bool:
        """Whether this is a web page, by its type or its first bytes."""
        start = self.body[:64].lstrip().lower()
        return self.content_type == "text/html" or start.startswith((b"<!doctype html", b"<html"))


class Explainer:
    """Knows how requests are sent, and finds the words when one fails."""

    def __init__(self, auth: Auth, redact: Redactor, *, socket: str | None) -> None:
        self._auth = auth
        self._redact = redact
        self._socket = socket

    def asked(self, url: str) -> str:
        """Return the request in words."""
        via = f" (unix socket {self._socket})" if self._socket else ""
        return f"GET {self._redact(url)}{via}"

    def refusal(self, answer: Answer) -> FetchError | None:
        """Return the error for an answer that is not a success, ``None`` for one that is."""
        if 200 <= answer.status < 300:
            return None
        message = f"{self._came(answer)}. {self._advice(answer)}"
        return AuthError(message) if answer.status in (401, 403) else FetchError(message)

    def no_profile(self, answer: Answer) -> FetchError | None:
        """Return the error for a success that cannot be a profile, ``None`` otherwise."""
        if not answer.body:
            came = "with an empty body"
        elif answer.looks_like_html:
            came = "with a web page instead of a profile"
        elif answer.content_type == "application/json":
            came = "with JSON instead of a profile"
        else:
            return None
        return FetchError(
            f"{self._came(answer)}, {came}. Is pprof mounted at this path, or does a login page or a catch-all route "
            "answer? Check target.pprof and its port."
        )

    def redirect(self, url: str, location: str) -> FetchError:
        """Return the error for a redirect to another origin, which is not followed."""
        return FetchError(
            f"{self.asked(url)} was redirected to another server, {self._redact(location)}. "
            "That is not followed, so that no other server sees the token. "
            "If it is the right place, set target.pprof to its full URL."
        )

    def failure(self, error: httpx.HTTPError, *, url: str, timeout_s: float) -> FetchError:
        """Return the error for a request that got no answer, or only a part of one."""
        asked = self.asked(url)
        if isinstance(error, httpx.TimeoutException):
            what = "no connection" if isinstance(error, httpx.ConnectTimeout) else "no answer"
            return FetchTimeoutError(
                f"{asked}: {what} within {format_seconds(timeout_s)}. "
                "Is the service blocked, or this the wrong host or port? If it is only slow, raise target.timeout."
            )
        causes = list(_causes(error))
        said = self._redact(_first_line(str(error)) or type(error).__name__)
        return FetchError(f"{asked} failed: {said}. {self._advice_on_failure(error, causes)}")

    def _came(self, answer: Answer) -> str:
        what = f"{answer.status} {answer.reason}".strip()
        kind = f" ({answer.content_type})" if answer.content_type else ""
        text = self._redact(_text_of(answer))
        limit = _QUOTED_CHARACTERS_OF_PPROF if answer.is_from_pprof else _QUOTED_CHARACTERS
        quoted = f" and said {_shortened(text, limit)!r}" if text else ""
        return f"{self.asked(answer.url)} was answered {self._redact(what + kind)}{quoted}"

    def _advice(self, answer: Answer) -> str:
        match answer.status:
            case 401 | 403:
                return self._advice_on_auth()
            case 404 if answer.is_from_pprof:
                return "pprof is there, but this service has no profile of that name; its Go version may be too old."
            case 404:
                return (
                    'Is pprof mounted (import _ "net/http/pprof"), at the path in target.pprof, and on this port? '
                    f"Some services answer 404 to a wrong token, too: {describe_auth(self._auth)}."
                )
            case status if 300 <= status < 400:
                return "Expected a profile. Check the path in target.pprof."
            case status if status >= 500:
                return "The service failed; its own log says why. If a proxy answered, is the service behind it up?"
            case _:
                return f"Expected 200. Check target.pprof; {describe_auth(self._auth)}."

    def _advice_on_auth(self) -> str:
        sent = describe_auth(self._auth)
        if not self._auth.has_token:
            return f"The service asks for authentication, and {sent}. Set [auth] header and token_env, for example."
        return (
            f"The service refused: {sent}. Is it the right token, and is the name spelled exactly as the service "
            "spells it? Does the service expect a scheme such as 'Bearer', or none?"
        )

    def _advice_on_failure(self, error: httpx.HTTPError, causes: list[BaseException]) -> str:
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return self._advice_on_tls(str(error))
        if self._socket and isinstance(error, httpx.ConnectError):
            return f"Expected a service that listens on the unix socket {self._socket}. Is it up, and this its path?"
        if isinstance(error, httpx.ConnectError):
            return "Is the service up, and is pprof on this host and port? Check target.url and target.pprof."
        if isinstance(error, httpx.RemoteProtocolError):
            return (
                "Expected a complete HTTP answer. Did the service, or a proxy before it, break off? Is the port HTTP?"
            )
        return "Expected an answer. Did the service stop or restart?"

    def _advice_on_tls(self, text: str) -> str:
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return "Set auth.ca to the certificate (PEM) of the authority that signed the server's."
        if "WRONG_VERSION_NUMBER" in text or "record layer" in text:
            return "Does this port speak plain HTTP? Then write http:// instead of https://."
        if self._auth.cert:
            return f"Does the server accept the client certificate {self._auth.cert}?"
        return "If the server asks for a client certificate, set auth.cert and auth.key."


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _text_of(answer: Answer) -> str:
    """Return the words in *answer* that tell a reader most, in one line."""
    text = answer.body[:4096].decode("utf-8", "replace")
    if answer.looks_like_html:
        title = _TITLE.search(text)
        return title.group(1) if title else ""
    if not answer.is_from_pprof and answer.content_type not in ("", "text/plain") and "json" not in answer.content_type:
        return ""
    return " ".join(text.split()) if answer.is_from_pprof else _first_line(text)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
