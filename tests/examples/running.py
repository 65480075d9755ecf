"""A client of the example service that reads the plain counters: no statistics, no parser of ours."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[2] / "examples" / "service"
TOKEN = json.loads((SOURCE / "env.json").read_text())["pprof"]["static_token"]

_FRAME = re.compile(r"^#\t0x[0-9a-f]+\t(?P<function>\S+)\+0x[0-9a-f]+\s+\S*?(?P<file>[^/\s]+):\d+$", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Levels:
    """Live heap and goroutines after collections."""

    bytes: int
    objects: int
    goroutines: int

    def growth_since(self, before: Levels) -> Levels:
        return Levels(self.bytes - before.bytes, self.objects - before.objects, self.goroutines - before.goroutines)


class Service:
    """The running service; one connection for everything, so that connections never count as growth."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process
        self._connection = self.connect()

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.address, timeout=20)

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.read().decode())

    def profile(self, path: str) -> str:
        answer = self.get(f"/debug/pprof/{path}", Authotization=TOKEN)
        assert answer.status == 200, answer.text
        return answer.text

    def send(self, path: str, requests: int) -> None:
        for _ in range(requests):
            answer = self.get(path)
            assert answer.status == 200, answer.text

    def planted(self) -> dict[str, dict[str, Any]]:
        """Return the planted leaks, by cause."""
        return {leak["cause"]: leak for leak in self.get("/planted").json()}

    def goroutines(self) -> int:
        return int(self.get("/api/v1/monitoring/memory").json()["goroutines"])

    def levels(self) -> Levels:
        for _ in range(3):  # pools survive one collection, and finalizers need one more
            heap = self.profile("heap?gc=1&debug=1")
        counters = dict(re.findall(r"^# (\w+) = (\d+)$", heap, re.MULTILINE))
        return Levels(int(counters["HeapAlloc"]), int(counters["HeapObjects"]), self.goroutines())

    def wait_until(self, is_reached: Callable[[], bool], *, within_s: float = 5) -> bool:
        deadline = time.monotonic() + within_s
        while not (reached := is_reached()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return reached

    def blamed(self, profile: str) -> Counter[tuple[str, str]]:
        """Return what each function of the service has in a text profile, by function and file.

        Goroutines or live objects count for the first such function on their stack.
        """
        totals: Counter[tuple[str, str]] = Counter()
        for record in self.profile(profile).split("\n\n"):
            size = re.search(r"^(\d+)(?:: \d+ \[.*?\])? @", record, re.MULTILINE)
            users = [frame for frame in _FRAME.finditer(record) if frame["function"].startswith("main.")]
            if size and users:
                totals[users[0]["function"], users[0]["file"]] += int(size[1])
        return totals
