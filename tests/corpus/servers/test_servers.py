"""Real servers under ordinary requests: the verdict is the one that their authors' work deserves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_goleak.config import load
from pytest_goleak.model.report import Outcome
from tests.corpus.servers.install import Installed, InstallError, install
from tests.corpus.servers.judge import judge, write_settings
from tests.corpus.servers.server import Debian, Request, Server
from tests.corpus.servers.servers import SERVERS

EACH = [
    pytest.param(server, id=server.name, marks=pytest.mark.debian if isinstance(server.source, Debian) else ())
    for server in SERVERS
    if server.requests[0].expected is Outcome.CLEAN  # what is kept by design is for the full table: it takes longer
]


@pytest.mark.parametrize("server", EACH)
def test_first_request_gets_the_verdict_that_is_right(
    server: Server, installed: Callable[[Server], Installed], tmp_path: Path
) -> None:
    # A quiet machine needs a few seconds; a longer budget than the default only matters where the machine is busy.
    patient = {"measure.budget": "120s"}
    for judged in judge(server, installed(server), folder=tmp_path, requests=server.requests[:1], overrides=patient):
        assert judged.is_right, f"{judged.report.name}: {judged.report.outcome}: {judged.report.reason}"


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_settings_are_a_goleak_toml_that_a_user_could_have_written(server: Server, tmp_path: Path) -> None:
    program = Installed(program=tmp_path / "program", version="1")
    plan = load.read(write_settings(server, program, folder=tmp_path, requests=server.requests))
    assert [endpoint.name for endpoint in plan.endpoints] == [request.name for request in server.requests]
    assert plan.target.command is not None
    assert plan.target.command[0] == str(tmp_path / "program")
    left = "{port", "{folder", "{program"
    texts = [*plan.target.command, *(path.read_text() for path in tmp_path.iterdir())]
    assert not [text for text in texts if any(brace in text for brace in left)]


def test_table_is_large_enough_and_honest() -> None:
    built = [server for server in SERVERS if not isinstance(server.source, Debian)]
    assert len(SERVERS) >= 8
    assert len(built) >= 4, "machines without apt-get judge real servers, too"
    assert len({server.name for server in SERVERS}) == len(SERVERS)
    for request in (request for server in SERVERS for request in server.requests):
        assert request.by_design or request.expected is Outcome.CLEAN, f"{request.name} is not clean; say why"
    plain = [request for server in SERVERS for request in server.requests if not request.by_design]
    assert len(plain) >= 40


def test_missing_package_manager_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = Debian(package="prometheus", program="usr/bin/prometheus")
    server = Server(name="x", source=package, command=("{program}",), requests=(Request(name="x", path="/"),))
    with pytest.raises(InstallError, match=r"no apt-get here. Unset GOLEAK_TEST_DEBIAN"):
        install(server, tmp_path / "servers")
