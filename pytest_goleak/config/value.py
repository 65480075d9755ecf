"""Checks of single values, for the schema; each returns the value in the form that the plan keeps.

A plain ``ValueError`` means "not what the key's description says", whatever its text: messages of third parties
may quote the value. Only the text of an :class:`ExplainedError` reaches the user.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pytest_goleak.model.plan import ClientMode
from pytest_goleak.model.units import parse_duration, parse_size

__all__ = [
    "TEMPLATE",
    "ExplainedError",
    "form_value",
    "headers",
    "iso_date",
    "json_body",
    "json_location",
    "local_path",
    "method",
    "mode",
    "one_line",
    "origin",
    "path_or_url",
    "request_path",
    "seconds",
    "size",
    "split_url",
    "status",
    "text",
    "token",
    "user_name",
    "variable",
    "without_nul",
    "words",
]

TEMPLATE = re.compile(r"\{(?:uuid|n|(?P<kind>choice|random):(?P<arguments>[^{}]*))\}")
"""What is expanded per request; any other brace is literal."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_BREAKS_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_STATUS = re.compile(r"[1-5](?:\d\d|xx)", re.ASCII)
_STANDARD_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))


class ExplainedError(ValueError):
    """Says more exactly than the key's description what is wrong; never quotes the value."""


def without_nul(given: str) -> str:
    """Accept what a path, an argument and an environment can hold."""
    if "\0" in given:
        raise ValueError
    return given


def text(given: str) -> str:
    """Accept text that is not blank."""
    if not given.strip():
        raise ValueError
    return without_nul(given)


def one_line(given: str) -> str:
    """Accept text without line breaks and other control characters."""
    if _BREAKS_LINE.search(given) or "\t" in given:
        raise ValueError
    return given


def words(given: list[str]) -> list[str]:
    """Accept a program and its arguments; these may be empty."""
    text(given[0])
    return given


def seconds(given: object) -> float:
    """Return the seconds of ``"30s"`` or a number."""
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        try:
            return parse_duration(given)
        except OverflowError:
            raise ValueError from None
    raise ValueError


def size(given: object) -> int:
    """Return the bytes of ``"256MiB"`` or a whole number."""
    if isinstance(given, str | int) and not isinstance(given, bool):
        try:
            return parse_size(given)
        except OverflowError:
            raise ValueError from None
    raise ValueError


def token(given: str) -> str:
    """Accept a token as HTTP defines it: header names, authentication schemes, names of drivers."""
    if not _TOKEN.fullmatch(given):
        raise ValueError
    return given


def user_name(given: str) -> str:
    """Accept a user name of basic authentication."""
    if ":" in given:
        raise ValueError
    return one_line(given)


def variable(given: str) -> str:
    """Accept the name of an environment variable."""
    if "=" in given:
        raise ValueError
    return given


def json_location(given: str) -> str:
    """Accept ``FILE:dotted.key``."""
    file, _, key = given.rpartition(":")
    if not file.strip() or not all(part.strip() for part in key.split(".")):
        raise ValueError
    return given


def split_url(given: str) -> SplitResult:
    """Return the parts of an http(s) URL in which ``{port}`` may stand for the port.

    Raises:
        ValueError: it is not such a URL, or it carries credentials.

    """
    if _NOT_IN_URL.search(given):
        raise ValueError
    parts = urlsplit(given.replace("{port}", "1"))
    if parts.username is not None:
        raise ExplainedError("expected no credentials in a URL; say in [auth] where the token comes from")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError
    return parts


def origin(given: str) -> str:
    """Return a URL of scheme, host and port, without a trailing slash."""
    parts = split_url(given)
    if parts.path not in {"", "/"} or "?" in given or "#" in given:
        raise ValueError
    return given.rstrip("/")


def local_path(given: str) -> str:
    """Accept a path of the service; two slashes would start a host in a relative reference."""
    if not given.startswith("/") or given.startswith("//") or _NOT_IN_URL.search(given):
        raise ValueError
    return given


def path_or_url(given: str) -> str:
    """Return a path or a full URL, without a trailing slash."""
    if given.startswith("/"):
        local_path(given)
    else:
        split_url(given)
    if "?" in given or "#" in given:
        raise ExplainedError("expected no query; to send the token as ?name=…, set query in [auth]")
    return given.rstrip("/") or "/"


def request_path(given: str) -> str:
    """Accept a path or a full URL; a template's arguments may hold what a URL may not."""
    plain = TEMPLATE.sub("x", given)
    if plain.startswith("/") and " " in plain:
        raise ExplainedError('expected no space in a path; write "%20"')
    if plain.startswith("/"):
        local_path(plain)
    else:
        split_url(plain)
    return given


def method(given: str) -> str:
    """Return a method; the standard ones in upper case, for servers tell the difference."""
    if not _TOKEN.fullmatch(TEMPLATE.sub("x", given)):
        raise ValueError
    return given.upper() if given.upper() in _STANDARD_METHODS else given


def headers(given: dict[str, str]) -> dict[str, str]:
    """Accept headers that can be sent as they are."""
    for name, content in given.items():
        if not _TOKEN.fullmatch(TEMPLATE.sub("x", name)) or _BREAKS_LINE.search(content):
            raise ExplainedError("expected header names without spaces or colons, and values of one line")
    if len({name.lower() for name in given}) < len(given):
        raise ExplainedError("expected each header once; upper and lower case are the same name")
    return given


def json_body(given: Any) -> str:
    """Return compact JSON."""
    try:
        return json.dumps(given, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        raise ExplainedError("JSON has no dates, times, inf or nan; write them as strings") from None


def form_value(given: object) -> str:
    """Return the text that a form sends for a TOML scalar."""
    match given:
        case bool():
            return str(given).lower()
        case str():
            return given
        case int():
            return str(given)
        case float() if math.isfinite(given):
            return str(given)
        case _:
            raise ValueError


def status(given: object) -> str:
    """Return ``"201"`` for 201, ``"2xx"`` for ``"2XX"``."""
    lowered = str(given).lower()
    if isinstance(given, int | str) and not isinstance(given, bool) and _STATUS.fullmatch(lowered):
        return lowered
    raise ValueError


def mode(given: Any) -> ClientMode:
    """Return the mode of that name."""
    return ClientMode(given)


def iso_date(given: object) -> str:
    """Return ``YYYY-MM-DD`` of a TOML date or such a string."""
    day = dt.date.fromisoformat(given) if isinstance(given, str) else given
    if isinstance(day, dt.date) and not isinstance(day, dt.datetime):
        return day.isoformat()
    raise ValueError
