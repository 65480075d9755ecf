"""Keep secrets out of every text that leaves this package: messages, logs and captured output."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, quote_plus

from pytest_goleak.model.auth import Secret

__all__ = ["Redactor", "redacted_logs"]

_MASK = "***"
# httpcore logs the headers of every answer at DEBUG. A service that redirects `/debug/pprof?token=…` to
# `/debug/pprof/?token=…` has the token in one of them.
_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11")


class Redactor:
    """Replace every known spelling of the secrets in a text by ``***``.

    Spellings are the value itself, and how URLs, JSON, HTML, Python's ``repr`` and HTTP basic authentication write it.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: Secret, *, user: str | None = None) -> None:
        """Redact *secret* from now on, and with *user* also what basic authentication makes of the two."""
        if not secret:
            return
        self._spellings |= _spellings(secret.reveal())
        if user is not None:
            self._spellings.add(base64.b64encode(f"{user}:{secret.reveal()}".encode()).decode())
        # The longest first: one spelling may be the start of another.
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """Return *text* without the secrets; redact before a text is cut, or half a secret remains."""
        return self._pattern.sub(_MASK, text) if self._pattern else text

    def __repr__(self) -> str:
        return f"<Redactor of {'some' if self._spellings else 'no'} secrets>"


def _spellings(value: str) -> set[str]:
    # Whoever echoes a header may take its bytes for another encoding than the one that they were sent in.
    readings = {value, value.encode().decode("latin-1")}
    with suppress(UnicodeEncodeError):
        readings.add(value.encode("latin-1").decode("utf-8", "replace"))
    return {spelling for reading in readings for spelling in _spellings_of(reading)}


def _spellings_of(value: str) -> set[str]:
    percent = {quote(value), quote(value, safe=""), quote_plus(value)}
    encoded = value.encode()
    written = {
        value,
        *percent,
        *(re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), text) for text in percent),
        json.dumps(value)[1:-1],
        *(_go_json(value, ensure_ascii=ensure_ascii) for ensure_ascii in (True, False)),
        html.escape(value),
        base64.b64encode(encoded).decode(),
        repr(encoded)[2:-1],
        repr(value.encode("latin-1", "ignore") or encoded)[2:-1],
    }
    # Errors are shown by `repr` in logs, and their texts are often of `repr` already.
    once = {spelling for text in written for spelling in _repr_spellings(text)}
    return written | once | {spelling for text in once for spelling in _repr_spellings(text)}


def _go_json(value: str, *, ensure_ascii: bool) -> str:
    """Return *value* as Go's ``encoding/json`` writes it, which escapes HTML as well."""
    text = json.dumps(value, ensure_ascii=ensure_ascii)[1:-1]
    return re.sub("[<>&]", lambda match: f"\\u{ord(match.group()):04x}", text)


def _repr_spellings(text: str) -> set[str]:
    # Whether a quote is escaped depends on the text around it; a double quote there makes `repr` escape the others.
    return {repr(text)[1:-1], repr(f'{text}"')[1:-2]}


class _RedactingFilter(logging.Filter):
    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redact(record.getMessage())
        record.args = ()
        return True


@contextmanager
def redacted_logs(redact: Redactor) -> Iterator[None]:
    """Redact what the HTTP libraries log inside the ``with`` block, whoever listens; nothing stays installed."""
    redacting = _RedactingFilter(redact)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(redacting)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redacting)
