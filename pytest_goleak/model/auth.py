"""Who we are to the service: a secret, and the way it is sent."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Auth", "Secret"]


class Secret:
    """A string that does not show itself: ``repr``, ``str`` and formatting give ``***``.

    Compare, hash and pickle are left out on purpose: a secret is asked for where it is sent, and nowhere else.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself; call this only where it goes on the wire."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written to disk or sent to another process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How the token reaches pprof and monitoring URLs; the token itself is resolved at the first request."""

    header: str | None = None
    """Header name, spelled as the service spells it."""
    query: str | None = None
    """Query parameter that carries the token instead of a header."""
    scheme: str | None = None
    """Prefix of the header's value, such as ``Bearer``."""
    basic: str | None = None
    """User name for HTTP basic authentication; the token is the password."""
    token_env: str | None = None
    """Environment variable that holds the token."""
    token_file: str | None = None
    """File whose stripped content is the token."""
    token_json: str | None = None
    """``FILE:dotted.key`` of a JSON document that holds the token."""
    token_command: tuple[str, ...] | None = None
    """Program whose stripped standard output is the token."""
    cert: str | None = None
    """Client certificate (PEM) for mutual TLS."""
    key: str | None = None
    """Private key (PEM) of *cert*."""
    ca: str | None = None
    """Bundle (PEM) that the server's certificate is checked against."""

    @property
    def has_token(self) -> bool:
        """Whether any token source is configured."""
        return any((self.token_env, self.token_file, self.token_json, self.token_command))
