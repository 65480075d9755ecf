"""Read an answer's body within limits of time and size, whatever the server sends."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass

import httpx

from pytest_goleak.model.errors import FetchError, FetchTimeoutError, TooLargeError
from pytest_goleak.model.units import format_bytes, format_seconds

__all__ = ["BodyLimits", "read_body"]

_IDENTITY = ("", "identity")
_GZIP = ("gzip", "x-gzip")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How much and how long to read."""

    max_bytes: int
    """Of the body as sent, and of the body decompressed."""
    timeout_s: float
    """For the whole answer, from the request on."""
    started_s: float
    """When the request was sent, on the monotonic clock."""


def read_body(response: httpx.Response, limits: BodyLimits, *, asked: str) -> bytes:
    """Return the body of the open *response*, its ``Content-Encoding`` undone.

    Args:
        response: An answer whose body was not read yet.
        limits: Where to stop.
        asked: The request in words, for messages.

    Raises:
        TooLargeError: more bytes than allowed, sent or decompressed; the rest is neither read nor expanded.
        FetchTimeoutError: the server keeps sending, too slowly.
        FetchError: the encoding is unknown, or the bytes are not of it.

    """
    # A server that announces too much is not waited for.
    _check_size(int(response.headers.get("Content-Length", "0") or 0), limits, asked=asked, what="announced")
    decode = _Decoder(response.headers.get("Content-Encoding", "").strip().lower(), limits, asked=asked)
    received = 0
    parts: list[bytes] = []
    for chunk in response.iter_raw():
        received += len(chunk)
        _check_size(received, limits, asked=asked, what="sent")
        if time.monotonic() - limits.started_s > limits.timeout_s:
            raise FetchTimeoutError(
                f"{asked} was not answered completely within {format_seconds(limits.timeout_s)}: "
                f"{format_bytes(received)} arrived. Is the service, or the way to it, overloaded?"
            )
        parts.append(decode.feed(chunk))
    decode.finish()
    return b"".join(parts)


def _check_size(size: int, limits: BodyLimits, *, asked: str, what: str) -> None:
    if size > limits.max_bytes:
        raise TooLargeError(
            f"{asked}: the answer is larger than {format_bytes(limits.max_bytes)} ({what}). "
            "If that is its right size, raise the limit max_response_bytes; if not, is this URL a profile?"
        )


class _Decoder:
    """One compression, undone no further than the limit allows."""

    def __init__(self, encoding: str, limits: BodyLimits, *, asked: str) -> None:
        if encoding not in (*_IDENTITY, *_GZIP, "deflate"):
            raise FetchError(
                f"{asked} was answered with Content-Encoding {encoding!r}; asked for was 'identity', "
                "and gzip and deflate are understood. Exclude pprof from the service's compression."
            )
        self._encoding = encoding
        self._limits = limits
        self._asked = asked
        self._size = 0
        self._inflate = None if encoding in _IDENTITY else zlib.decompressobj(zlib.MAX_WBITS | 32)

    def feed(self, chunk: bytes) -> bytes:
        """Return what *chunk* expands to."""
        if self._inflate is None:
            return chunk
        try:
            # One byte more than is left tells a body that fits from one that does not.
            expanded = self._inflate.decompress(chunk, self._limits.max_bytes - self._size + 1)
        except zlib.error as error:
            reason = str(error)
        else:
            self._size += len(expanded)
            _check_size(self._size, self._limits, asked=self._asked, what="decompressed")
            return expanded
        raise FetchError(
            f"{self._asked} was answered with Content-Encoding {self._encoding!r}, "
            f"but the body is not of it ({reason}). Is something on the way changing answers?"
        )

    def finish(self) -> None:
        """Raise if the compressed body ended early."""
        if self._inflate is not None and not self._inflate.eof:
            raise FetchError(
                f"{self._asked}: the answer ends in the middle of its {self._encoding} data. "
                "Did the service, or a proxy before it, break off?"
            )
