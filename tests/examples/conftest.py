"""The example service, built once and run as its users run it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.examples.running import SOURCE, Service


@pytest.fixture(scope="session")
def example_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("example") / "service"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=SOURCE, check=True)
    return program


class Starter:
    """Starts the example service, with variables added to the environment."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def command(self, *arguments: str) -> list[str]:
        return [str(self.program), "-addr", "127.0.0.1:0", *arguments]

    def environment(self, variables: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "PPROF_TOKEN"}
        return {**inherited, **variables}

    @contextmanager
    def run(self, *arguments: str, **variables: str) -> Iterator[Service]:
        with subprocess.Popen(
            self.command(*arguments),
            cwd=SOURCE,
            env=self.environment(variables),
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stderr is not None
                line = process.stderr.readline()
                assert "listening on http://" in line, line
                with closing(Service(line.rpartition("http://")[2].strip(), process)) as service:
                    yield service
            finally:
                process.kill()

    def fail(self, *arguments: str, cwd: Path = SOURCE, **variables: str) -> str:
        """Run the service, require that it refuses to start, and return what it says."""
        process = subprocess.run(
            self.command(*arguments),
            cwd=cwd,
            env=self.environment(variables),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert process.returncode == 1
        return process.stderr


@pytest.fixture(scope="session")
def starter(example_program: Path) -> Starter:
    return Starter(example_program)


@pytest.fixture(scope="module")
def example(starter: Starter) -> Iterator[Service]:
    with starter.run() as service:
        yield service
