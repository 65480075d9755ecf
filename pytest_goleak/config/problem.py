"""What is wrong with a setting, and how it is told: file, key, value, what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_goleak.model.errors import ConfigError

__all__ = ["KeyPath", "Layer", "Problem", "conceal", "echo", "fail", "quote"]

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of the document."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_VALUE = 60
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_KINDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "a table"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One wrong setting."""

    path: KeyPath
    message: str
    """What was expected, and what to do."""
    value: str = ""
    """The value as it may be shown: from :func:`echo`, or :func:`conceal` where it may be a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Settings that come from one place."""

    origin: str
    """The file's path, or words such as ``command line``."""
    data: Mapping[str, Any]
    prefix: tuple[str, ...] = ()
    """Keys above *data* in the file."""

    def has(self, path: KeyPath) -> bool:
        """Whether the setting at *path* comes from here."""
        at: Any = self.data
        for part in path:
            match at, part:
                case Mapping(), str() if part in at:
                    at = at[part]
                case list(), int() if part < len(at):
                    at = at[part]
                case _:
                    return False
        return True

    def describe(self, problem: Problem) -> str:
        """Return the line that reports *problem*."""
        key = _format_path((*self.prefix, *problem.path))
        return f"{self.origin}: {key}{problem.value}: {problem.message}{self._endpoint_of(problem.path)}"

    def _endpoint_of(self, path: KeyPath) -> str:
        """Name the endpoint: nobody counts tables to find the seventeenth."""
        if len(path) < 2 or path[0] != "endpoints" or not isinstance(path[1], int) or not self.has(path[:2]):
            return ""
        endpoint = self.data["endpoints"][path[1]]
        label = (endpoint.get("name") or endpoint.get("path")) if isinstance(endpoint, Mapping) else None
        return f" (endpoint {quote(label)})" if isinstance(label, str) else ""


def fail(lines: list[str]) -> None:
    """Raise one :class:`ConfigError` with all *lines*, if there are any."""
    if lines:
        raise ConfigError("\n".join(dict.fromkeys(lines)))


def echo(value: object) -> str:
    """Return *value* for a message, as TOML writes it; credentials and queries of URLs are left out."""
    match value:
        case str():
            return f" = {quote(value)}"
        case bool():
            return f" = {str(value).lower()}"
        case int() if value.bit_length() > 64:
            return " (a very large integer)"
        case int() | float():
            return f" = {value}"
        case _ if type(value) in _KINDS:
            return f" ({_KINDS[type(value)]})"
        case _:
            return f" = {value}"  # dates and times


def conceal(value: object) -> str:
    """Return what may be said of a *value* that may be a secret: its type."""
    return f" ({_KINDS.get(type(value), 'a date or time')}, not shown)"


def quote(text: str) -> str:
    """Return *text* as a TOML string, shortened, without what follows ``?`` or stands before ``@`` in a URL."""
    public = re.sub(r"//[^/?#\s]*@", "//***@", text)
    public = re.sub(r"\?.+", "?***", public, flags=re.DOTALL)
    if len(public) > _LONGEST_VALUE:
        public = public[: _LONGEST_VALUE - 1] + "…"
    return (
        '"'
        + "".join(_ESCAPES.get(char) or (char if char.isprintable() else ascii(char)[1:-1]) for char in public)
        + '"'
    )


def _format_path(path: KeyPath) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else quote(part))
    return text
