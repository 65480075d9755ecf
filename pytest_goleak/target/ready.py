"""Ask whether a service is there yet."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

from pytest_goleak.target.address import Address, connect

__all__ = ["poll_ready"]

_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.25
_ATTEMPT_TIMEOUT_S = 5.0


def poll_ready(
    url: str,
    address: Address,
    *,
    timeout_s: float,
    pause: Callable[[float], None],
    tls: ssl.SSLContext | None = None,
) -> str | None:
    """Ask for *url* until it answers 2xx; return ``None``, or after *timeout_s* what came of the last attempt.

    Args:
        url: What to ask for.
        address: Where to ask.
        timeout_s: For all attempts together.
        pause: Lets so many seconds pass, less if it finds that asking on is useless, and then raises.
        tls: For ``https``. The default trusts every certificate, as nothing secret is sent and nothing is believed.

    """
    until = time.monotonic() + timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        left_s = until - time.monotonic()
        status = _ask(url, address, timeout_s=max(0.1, min(left_s, _ATTEMPT_TIMEOUT_S)), tls=tls)
        if status.startswith("answered 2"):
            return None
        if time.monotonic() + pause_s > until:
            return status
        pause(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


def _ask(url: str, address: Address, *, timeout_s: float, tls: ssl.SSLContext | None) -> str:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Connection": "close", "User-Agent": "pytest-goleak"}
    connection = http.client.HTTPConnection(address.host, address.port)
    try:
        with closing(connection):
            plain = connect(address, timeout_s=timeout_s)
            connection.sock = plain  # closed with the connection, also if TLS fails
            if parts.scheme == "https":
                connection.sock = (tls or _trusting_all()).wrap_socket(plain, server_hostname=address.host)
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                return f"answered {answer.status} {answer.reason}"
    except (OSError, http.client.HTTPException) as error:
        return f"failed with {type(error).__name__}: {error}"


def _trusting_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
