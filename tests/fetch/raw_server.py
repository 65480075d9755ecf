"""A server that answers with any bytes at all, and keeps what it was sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Respond = Callable[[bytes], "bytes | Iterator[bytes]"]
CLOSE = b"\0close"
"""A part of an answer that stands for closing the connection."""


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class RawServer:
    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def pprof_url(self) -> str:
        return f"{self.url}/debug/pprof"

    def heads(self) -> list[str]:
        return [request.decode("latin-1") for request in self.requests]


@contextmanager
def serve(respond: Respond | bytes, *, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Answer every request on loopback until the block ends; all its threads end then, too."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}")
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket) -> None:
        with suppress(OSError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
                open_sockets.append(connection)
            while request := read_head(connection):
                server.requests.append(request)
                parts = respond if isinstance(respond, bytes) else respond(request)
                for part in [parts] if isinstance(parts, bytes) else parts:
                    if part == CLOSE:
                        connection.shutdown(socket.SHUT_RDWR)
                    else:
                        connection.sendall(part)
        connection.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                server.connections += 1
                open_sockets.append(connection)
                thread = threading.Thread(target=converse, args=(connection,))
                threads.append(thread)
                thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        for one in [listener, *open_sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in [acceptor, *threads]:
            thread.join(10)
            assert not thread.is_alive()


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        if not received:
            return b""
        head += received
    return head
