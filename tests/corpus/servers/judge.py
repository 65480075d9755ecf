"""Judge a server as its user would: a ``goleak.toml``, read and run by the same session that the plugin runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pytest_goleak.check.source import PprofSource
from pytest_goleak.config import load
from pytest_goleak.model.observation import Observation
from pytest_goleak.model.protocols import Fetcher, Progress, Source, Target
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.plugin.drivers import pytest_goleak_load_drivers
from pytest_goleak.session.clock import MonotonicClock
from pytest_goleak.session.session import GoleakSession
from pytest_goleak.target.settings import find_free_ports
from tests.corpus.servers.install import Installed
from tests.corpus.servers.server import Request, Server

__all__ = ["Judged", "Level", "judge", "write_settings"]

_PLACEHOLDER = re.compile(r"\{(program|folder|port|port2|port3)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One look at the server, and where the experiment was."""

    observation: Observation
    stage: str
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A verdict beside the one that is right."""

    server: Server
    request: Request
    report: EndpointReport
    levels: tuple[Level, ...] = field(repr=False)
    """All that was read, in order: the series that the verdict rests on."""

    @property
    def is_right(self) -> bool:
        """Whether the verdict is the one that the table expects."""
        return self.report.outcome is self.request.expected


def judge(
    server: Server,
    installed: Installed,
    *,
    folder: Path,
    requests: Sequence[Request] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Iterator[Judged]:
    """Yield the verdict on each of *requests*, all of the server's by default; it runs as long as the iteration.

    Args:
        server: what to run.
        installed: its program.
        folder: empty, for its configuration and its data.
        requests: some of the server's own.
        overrides: options of the command line, such as ``{"measure.seed": 2}``.

    """
    chosen = server.requests if requests is None else tuple(requests)
    plan = load.read(write_settings(server, installed, folder=folder, requests=chosen), overrides=overrides)
    diary = _Diary()
    with GoleakSession(plan, drivers=pytest_goleak_load_drivers(), make_source=diary.source) as session:
        _prepare(server, session.service.target.url)
        for request, endpoint in zip(chosen, plan.endpoints, strict=True):
            report = session.check(endpoint, item_id=f"goleak.toml::{endpoint.name}", listen=diary.note)
            yield Judged(server=server, request=request, report=report, levels=diary.take())


def write_settings(server: Server, installed: Installed, *, folder: Path, requests: Sequence[Request]) -> Path:
    """Write the server's files and its ``goleak.toml`` into *folder*, and return the latter's path."""
    values = {"program": str(installed.program), "folder": str(folder)}
    # Files need the ports before the server starts; should somebody take one meanwhile, the session says so.
    names = ("port", "port2", "port3")
    values |= {name: str(port) for name, port in zip(names, find_free_ports(len(names)), strict=True)}
    for name, content in server.files.items():
        (folder / name).write_text(_fill(content, values))
    target: dict[str, object] = {
        "url": "http://127.0.0.1:{port}",
        "command": list(server.command),
        "env": dict(server.env),
        "ready": server.ready,
        "pprof": server.pprof,
    }
    lines = ["[target]", *_table(target)]
    for request in requests:
        table = {"name": request.name, "path": request.path, **request.settings}
        if request.expected is Outcome.LEAK:
            table["xfail"] = request.by_design
        lines += ["", "[[endpoints]]", *_table(table)]
    path = folder / "goleak.toml"
    path.write_text(_fill("\n".join(lines) + "\n", values))
    return path


def _prepare(server: Server, url: str) -> None:
    for request in server.prepare:
        method = str(request.settings.get("method", "GET"))
        body = request.settings.get("body")
        content = None if body is None else str(body)
        httpx.request(method, url + request.path, content=content, trust_env=False).raise_for_status()


# --- the file -------------------------------------------------------------------------------------------------------


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _table(settings: Mapping[str, object]) -> Iterator[str]:
    return (f"{name} = {_toml(value)}" for name, value in settings.items())


def _toml(value: object) -> str:
    """Return *value* as TOML, whose strings, numbers, booleans and lists of them are written as in JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(each)}' for key, each in value.items())} }}"
    return json.dumps(value)


# --- the series -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Diary:
    """Keeps what the session reads, which its report leaves out."""

    levels: list[Level] = field(default_factory=list)
    _progress: Progress = field(default_factory=lambda: Progress(endpoint="", stage="warm-up"))

    def source(self, target: Target, fetcher: Fetcher) -> Source:
        source = PprofSource(fetcher, MonotonicClock(), profiles=fetcher.index())
        return _Recorded(source, self)

    def note(self, progress: Progress) -> None:
        self._progress = progress

    def add(self, observation: Observation) -> None:
        self.levels.append(Level(observation=observation, stage=self._progress.stage, requests=self._progress.requests))

    def take(self) -> tuple[Level, ...]:
        levels, self.levels = tuple(self.levels), []
        return levels


@dataclass(slots=True)
class _Recorded:
    """A source that keeps a copy of every answer."""

    source: Source
    diary: _Diary

    def observe(self, *, collections: int = 2) -> Observation:
        observation = self.source.observe(collections=collections)
        self.diary.add(observation)
        return observation

    def proven_leaks(self) -> int | None:
        return self.source.proven_leaks()
