"""From the endpoint's templates to the requests of one job, one after another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pytest_goleak import __version__
from pytest_goleak.load.template import Expand, Template, parse_template
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob

__all__ = [
    "USER_AGENT",
    "Request",
    "RequestSource",
    "check_amount",
    "has_placeholders",
    "job_random",
    "join_url",
    "unsupported_scheme",
]

USER_AGENT = f"pytest-goleak/{__version__}"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: bytes
    url: bytes
    headers: tuple[bytes, ...]
    """``Name: value`` lines, the user agent among them."""
    body: bytes | None


class RequestSource:
    """Gives the requests of *job*; parts that do not vary are the same objects in all of them.

    Raises:
        LoadDriverError: a part of the endpoint can't be sent over HTTP.

    """

    def __init__(self, job: LoadJob) -> None:
        endpoint = job.endpoint
        random = job_random(job)
        self._number = job.first_number
        self._method = _Part(_parse("method", endpoint.method), random)
        self._url = _Part(_parse("path", join_url(job.base_url, endpoint.path)), random, url=True)
        self._headers = _HeaderPart(endpoint.headers, random)
        self._body = None if endpoint.body is None else _Part(_parse("body", endpoint.body), random)
        parts = (self._method, self._url, self._headers, self._body)
        self.is_constant = job.same_request or all(part is None or part.is_constant for part in parts)
        """Whether all requests are the same one."""
        self._same: Request | None = None
        if self._method.is_constant and not _TOKEN.fullmatch(endpoint.method):
            raise LoadDriverError(f"{endpoint.method!r} is not an HTTP method; expected a word such as GET or POST")

    def take(self) -> Request:
        """Return the next request; its ``{n}`` is one more than in the one before."""
        if self.is_constant and self._same is not None:
            return self._same
        number = self._number
        self._number += 1
        self._same = Request(
            self._method.expand(number),
            self._url.expand(number),
            self._headers.expand(number),
            None if self._body is None else self._body.expand(number),
        )
        return self._same


class _Part:
    """Bytes of a request, encoded once if they do not vary."""

    __slots__ = ("_constant", "_expand")

    def __init__(self, template: Template, random: Random, *, url: bool = False) -> None:
        self._expand: Expand = template.compile(random, url=url)
        self._constant = self._expand(0).encode() if template.is_constant else None

    @property
    def is_constant(self) -> bool:
        return self._constant is not None

    def expand(self, number: int) -> bytes:
        if self._constant is not None:
            return self._constant
        return self._expand(number).encode()


class _HeaderPart:
    """The header lines, those that do not vary encoded once."""

    __slots__ = ("_constant", "_lines")

    def __init__(self, headers: Mapping[str, str], random: Random) -> None:
        lines = [_Part(_header_template(name, value), random) for name, value in headers.items()]
        if not any(name.lower() == "user-agent" for name in headers):
            lines.append(_Part(parse_template(f"User-Agent: {USER_AGENT}"), random))
        self._lines = lines
        self._constant = tuple(line.expand(0) for line in lines) if all(line.is_constant for line in lines) else None

    @property
    def is_constant(self) -> bool:
        return self._constant is not None

    def expand(self, number: int) -> tuple[bytes, ...]:
        if self._constant is not None:
            return self._constant
        return tuple([line.expand(number) for line in self._lines])


def check_amount(job: LoadJob) -> None:
    """Raise :class:`LoadDriverError` if *job* asks for an impossible number of requests or clients."""
    if job.concurrency < 1 or job.requests < 0:
        raise LoadDriverError(
            f"{job.requests} requests at concurrency {job.concurrency} can't be sent; "
            "expected 0 or more requests and a concurrency of 1 or more"
        )


def has_placeholders(endpoint: Endpoint) -> bool:
    """Return whether any part of *endpoint*'s requests varies.

    Raises:
        LoadDriverError: a placeholder's argument makes no sense.

    """
    texts = [("method", endpoint.method), ("path", endpoint.path), ("body", endpoint.body or "")]
    texts += [(f"header {name!r}", value) for name, value in endpoint.headers.items()]
    return not all(_parse(part, text).is_constant for part, text in texts)


def join_url(base_url: str, path: str) -> str:
    """Return the URL of *path*, which may be a full URL itself.

    Raises:
        LoadDriverError: the URL is not one of HTTP.

    """
    url = path if _SCHEME.match(path) else base_url.rstrip("/") + "/" + path.removeprefix("/")
    if (problem := unsupported_scheme(url)) or not _SCHEME.match(url):
        raise LoadDriverError(problem or f"{url!r} is not a URL; expected for example http://127.0.0.1:8080")
    return url


def unsupported_scheme(path: str) -> str | None:
    """Return why *path*, a path or full URL, can't be requested over HTTP, or ``None`` if it can."""
    match = _SCHEME.match(path)
    if match and match[1].lower() not in {"http", "https"}:
        return f"{path!r} has the scheme {match[1]}; expected http or https"
    return None


def job_random(job: LoadJob) -> Random:
    """Return the random numbers of *job*: reproducible, yet other ones for every job of a run.

    The seed alone would give every round the same uuids: a leak of one entry per new key would show once, then never.
    """
    return Random(f"{job.seed}/{job.first_number}")  # noqa: S311 - reproducible test data, not cryptography


def _parse(part: str, text: str) -> Template:
    try:
        return parse_template(text)
    except ValueError as error:
        raise LoadDriverError(f"the endpoint's {part}: {error}") from None


def _header_template(name: str, value: str) -> Template:
    # Values are left out of the messages: they may be secrets.
    if not _TOKEN.fullmatch(name):
        raise LoadDriverError(f"{name!r} is not a header name; expected a word such as X-Request-Id")
    if _CONTROL.search(value):
        raise LoadDriverError(f"the value of header {name!r} has a line break or NUL in it; expected one line")
    # libcurl drops a header without a value unless it ends with a semicolon.
    return _parse(f"header {name!r}", f"{name}: {value}" if value.strip() else f"{name};")
