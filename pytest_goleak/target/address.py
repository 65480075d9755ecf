"""Where a service listens."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from pytest_goleak.model.errors import TargetError

__all__ = ["Address", "address_of", "connect", "locate"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a service listens: host and port, or a unix socket."""

    host: str
    port: int
    socket: str | None = None

    def __str__(self) -> str:
        return f"unix socket {self.socket}" if self.socket else f"{self.host}:{self.port}"


def address_of(url: str, *, socket: str | None = None) -> Address:
    """Return the address that *url* leads to.

    Raises:
        ValueError: *url* has no host, or a port that is none.

    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("expected a URL such as http://127.0.0.1:8080")
    return Address(host=parts.hostname, port=parts.port or _DEFAULT_PORTS[parts.scheme], socket=socket)


def connect(address: Address, *, timeout_s: float) -> socket.socket:
    """Return an open connection.

    Raises:
        OSError: nobody listens there, or does not answer within *timeout_s*.

    """
    if address.socket is None:
        return socket.create_connection((address.host, address.port), timeout=timeout_s)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout_s)
        connection.connect(address.socket)
    except OSError:
        connection.close()
        raise
    return connection


def locate(url: str, pprof: str, socket: str | None) -> tuple[str, str, Address]:
    """Return the URL of the service, that of its pprof index, both without a trailing slash, and its address.

    Args:
        url: ``target.url``.
        pprof: ``target.pprof``, a path or a full URL.
        socket: Unix socket to connect to instead of the URL's host.

    Raises:
        TargetError: *url* or *pprof* leads nowhere.

    """
    pprof_url = urljoin(url, pprof)
    for key, given, absolute in (("target.url", url, url), ("target.pprof", pprof, pprof_url)):
        try:
            address_of(absolute)
        except ValueError as error:
            raise TargetError(f"{key} is {given!r}: {error}.") from None
    return url.rstrip("/"), pprof_url.rstrip("/"), address_of(url, socket=socket)
