"""Profiles asked for and read: an answer that is no profile is an error that says where it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pytest_goleak.model.errors import FetchTimeoutError, MalformedProfileError
from pytest_goleak.model.observation import Capture
from pytest_goleak.model.protocols import Fetcher

__all__ = ["fetch", "read"]

T = TypeVar("T")


def fetch(fetcher: Fetcher, kind: str, **params: int) -> Capture:
    """Return the profile *kind* as the service sends it.

    Raises:
        FetchError: there is none; that of a time-out names the key that allows more.

    """
    try:
        return fetcher.fetch(kind, **params)
    except FetchTimeoutError as error:
        # Without the original as context: its frames hold what was signed.
        message = f"{error} The key for that is timeout under [target]."
    raise FetchTimeoutError(message)


def read(capture: Capture, parse: Callable[[bytes], T]) -> T:
    """Return what *parse* makes of the profile.

    Raises:
        MalformedProfileError: it is none; the message says what was asked and what came.

    """
    try:
        return parse(capture.content)
    except MalformedProfileError as error:
        raise MalformedProfileError(
            f"GET {capture.url} was answered with {len(capture.content):,} bytes that can't be read: {error}. If that "
            f"comes again, look at the answer with curl, and at what stands between this and the service."
        ) from None
