from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_goleak.model.plan import Endpoint, LoadPlan
from pytest_goleak.model.protocols import LoadJob

_SOURCE = Path(__file__).parent / "service"


@dataclass
class Service:
    """A running service that counts what its clients do."""

    url: str
    admin: str
    socket: str
    process: subprocess.Popen[str]

    def stats(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.admin, timeout=5) as answer:
            return json.load(answer)

    def wait_for(self, is_reached: Callable[[dict[str, Any]], bool], *, within_s: float) -> dict[str, Any]:
        """Return the first counts that satisfy the condition, else the last ones seen in time."""
        deadline = time.monotonic() + within_s
        while True:
            stats = self.stats()
            if is_reached(stats) or time.monotonic() > deadline:
                return stats
            time.sleep(0.002)

    def job(self, path: str = "/ok", *, requests: int = 1, concurrency: int = 1, **settings: Any) -> LoadJob:
        """Build a job: settings of the job, of the load and of the endpoint, each where it belongs."""
        of_job = {key: settings.pop(key) for key in ("deadline_s", "first_number", "seed", "socket") if key in settings}
        of_load = {key: settings.pop(key) for key in ("keep_alive", "timeout_s") if key in settings}
        endpoint = Endpoint(name=path, path=path, load=LoadPlan(**of_load), **settings)
        return LoadJob(
            endpoint=endpoint,
            base_url=self.url,
            requests=requests,
            concurrency=concurrency,
            **{"deadline_s": 20.0, **of_job},
        )


@pytest.fixture(scope="session")
def service_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("loadservice") / "service"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=_SOURCE, check=True)
    return program


@pytest.fixture
def service(service_program: Path, tmp_path: Path) -> Iterator[Service]:
    socket = os.path.relpath(tmp_path / "s.sock")  # absolute ones may exceed the 104 bytes that macOS allows
    with subprocess.Popen([str(service_program), "-socket", socket], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url, admin = process.stdout.readline().split()
            yield Service(url, admin, socket, process)
        finally:
            process.kill()
