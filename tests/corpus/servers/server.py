"""What is said of a real server that stands as a clean target: where it comes from, how it runs, what it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_goleak.model.report import Outcome

__all__ = ["Debian", "Module", "Request", "Server", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Debian:
    """A package of the distribution; it is unpacked, never installed, so no service starts and nothing changes."""

    package: str
    program: str
    """Path inside the package, such as ``usr/bin/prometheus``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A main package of a Go module, whose version ``go.mod`` beside this file pins."""

    module: str
    package: str


Source = Debian | Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An ordinary request, and the verdict that is right for it."""

    name: str
    path: str
    settings: Mapping[str, object] = field(default_factory=dict)
    """Further keys of the ``[[endpoints]]`` table: method, body, expect, tolerance …"""
    expected: Outcome = Outcome.CLEAN
    by_design: str = ""
    """Why the server keeps memory for this request, or a while, and what a user does about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as an operator would run it, on loopback, with the smallest configuration that serves pprof.

    ``{program}``, ``{folder}``, ``{port}``, ``{port2}`` and ``{port3}`` are filled in everywhere; other braces stay.
    ``{folder}`` holds :attr:`files` and whatever the server stores.
    """

    name: str
    source: Source
    command: tuple[str, ...]
    requests: tuple[Request, ...]
    """The first one is judged by the tests, all by ``python -m tests.corpus.servers``."""
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/"
    pprof: str = "/debug/pprof"
    prepare: tuple[Request, ...] = ()
    """Sent once before measuring: what the requests need to find."""
    note: str = ""
    """What in the configuration is there for the sake of the verdict, and why."""
