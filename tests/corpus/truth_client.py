"""Requests for the proof of the corpus: a plain HTTP/1.1 client in threads, which knows nothing of pytest_goleak.

It is written anew on purpose. A mistake in the load drivers (a mode that does not hang up, a template that repeats)
would otherwise be in the proof as well, and confirm itself.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import socket
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Traffic"]

ABORTS = frozenset({"abort", "timeout"})
"""Modes whose clients are gone before there is a status."""
PATIENCE_S = 30.0

_PLACEHOLDER = re.compile(r"\{(?:(uuid|n)|(random|choice):([^{}]*))\}")


def expand(template: str, number: int) -> str:
    """Return *template* with the placeholders of `goleak.toml` filled in for the request with this number."""

    def fill(match: re.Match[str]) -> str:
        word, call, argument = match.groups()
        if word == "n":
            return str(number)
        if word == "uuid":
            return str(uuid.uuid4())
        if call == "choice":
            choices: list[str] = argument.split(",")
            return random.choice(choices)
        low, high = map(int, argument.split(","))
        return str(random.randint(low, high))

    return _PLACEHOLDER.sub(fill, template)


@dataclass(slots=True, kw_only=True)
class Traffic:
    """The clients of one case."""

    case: dict[str, Any]
    port: int
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by status; 0 counts requests that got none, where one was due."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, requests: int, clients: int) -> None:
        """Send *requests* by *clients* connections at a time, all of which are closed afterwards."""
        tickets = iter(range(requests))
        threads = [threading.Thread(target=self._work, args=(tickets,)) for _ in range(min(clients, requests))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def unexpected(self) -> int:
        """Return the number of answers whose status is not what the case declares."""
        expected = self.case.get("expect") or ["2xx", "3xx"]
        patterns = [re.compile(status.replace("x", r"\d")) for status in expected]
        return sum(
            count
            for status, count in self.statuses.items()
            if not any(pattern.fullmatch(str(status)) for pattern in patterns)
        )

    def _work(self, tickets: Any) -> None:
        connection: socket.socket | None = None
        statuses: Counter[int] = Counter()
        while True:
            with self.lock:
                if next(tickets, None) is None:
                    break
                number = next(self.numbers)
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
                status, keeps_alive = self._exchange(connection, number)
            except OSError:
                status, keeps_alive = 0, False
            if status or self.case.get("mode") not in ABORTS:
                statuses[status] += 1
            if not keeps_alive and connection is not None:
                connection.close()
                connection = None
        if connection is not None:
            connection.close()
        with self.lock:
            self.statuses += statuses

    def _exchange(self, connection: socket.socket, number: int) -> tuple[int, bool]:
        """Send one request, act as the case's mode says, and return status and whether the connection goes on."""
        connection.sendall(self._request(number))
        match self.case.get("mode"):
            case "abort":
                return 0, False
            case "timeout":
                time.sleep(0.1)
                return 0, False
            case "hold":
                head, _ = _read_head(connection)
                time.sleep(0.3)
                return _status(head), False
            case "slow_reader":
                return _read_answer(connection, slow_until=time.monotonic() + 1.0)
            case _:
                return _read_answer(connection)

    def _request(self, number: int) -> bytes:
        body = expand(self.case.get("body", ""), number)
        headers = {name: expand(value, number) for name, value in self.case.get("headers", {}).items()}
        if body:
            headers["Content-Length"] = str(len(body.encode()))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        path = expand(self.case["path"], number)
        return f"{self.case['method']} {path} HTTP/1.1\r\nHost: corpus\r\n{lines}\r\n{body}".encode()


def _status(head: bytes) -> int:
    return int(head[9:12])


def _receive(connection: socket.socket, slow_until: float = 0.0) -> bytes:
    """Return the next bytes; a few at a time until *slow_until*, a time of the monotonic clock."""
    if time.monotonic() < slow_until:
        time.sleep(0.05)
        return connection.recv(4096)
    return connection.recv(1 << 16)


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of the answer, and what came of the body with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = _receive(connection)
        if not received:
            raise ConnectionError("closed before an answer")
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    return head.lower(), body


def _read_answer(connection: socket.socket, slow_until: float = 0.0) -> tuple[int, bool]:
    """Read one answer to its end; return its status and whether the connection goes on."""
    head, body = _read_head(connection)
    status = _status(head)
    length = re.search(rb"\ncontent-length: (\d+)", head)
    if length:
        missing = int(length[1]) - len(body)
        while missing > 0:
            missing -= len(_receive_some(connection, slow_until))
    elif b"\ntransfer-encoding: chunked" in head:
        tail = b"\r\n" + body[-8:]
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            tail = (tail + _receive_some(connection, slow_until))[-8:]
    elif status not in {204, 304}:
        with contextlib.suppress(ConnectionError):
            while True:
                _receive_some(connection, slow_until)
    return status, b"\nconnection: close" not in head


def _receive_some(connection: socket.socket, slow_until: float) -> bytes:
    received = _receive(connection, slow_until)
    if not received:
        raise ConnectionError("closed within an answer")
    return received
