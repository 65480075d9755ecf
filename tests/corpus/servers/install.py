"""Get a server's program into a folder of the project: unpacked from a Debian package, or built by Go."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_goleak.target.settings import with_go
from tests.corpus.servers.server import Debian, Module, Server

__all__ = ["DIRECTORY", "InstallError", "Installed", "install"]

HERE = Path(__file__).parent
DIRECTORY = Path(__file__).parents[3] / ".build" / "servers"


class InstallError(Exception):
    """A server can't be had on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A program that can be started."""

    program: Path
    version: str


def install(server: Server, directory: Path = DIRECTORY) -> Installed:
    """Return the program of *server*, put into *directory* unless it is there already.

    Raises:
        InstallError: the package manager or the build failed.

    """
    source = server.source
    name = source.package.replace("/", "_")  # two entries of the table may run the same program
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(directory / f"{name}.lock"):  # workers of pytest-xdist wait for the first one
        match source:
            case Debian():
                return _unpack(source, folder)
            case Module():
                return _build(source, folder / "program", stamp=folder / "built-from")


def _unpack(source: Debian, folder: Path) -> Installed:
    program, version = folder / source.program, folder / "version"
    if not version.exists():
        for tool in ("apt-get", "dpkg"):
            if shutil.which(tool) is None:
                raise InstallError(
                    f"{source.package} comes as a Debian package, and there is no {tool} here. Unset GOLEAK_TEST_DEBIAN "
                    f"to do without such servers; those that Go builds are judged everywhere."
                )
        with TemporaryDirectory(dir=folder.parent) as download:
            # As root, apt would warn that its own user can't write into the folder.
            _run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", source.package], cwd=Path(download))
            (package,) = Path(download).glob("*.deb")
            _run(["dpkg", "-x", str(package), str(folder)], cwd=folder)
            said = _run(["dpkg-deb", "--field", str(package), "Version"], cwd=folder)
        version.write_text(said.strip())  # last, so that it says that all before was done
    return Installed(program=program, version=version.read_text())


def _build(source: Module, program: Path, *, stamp: Path) -> Installed:
    pinned = (HERE / "go.mod").read_text()
    found = re.search(rf"^\t{re.escape(source.module)} (v\S+)", pinned, re.MULTILINE)
    if found is None:
        raise InstallError(f"{HERE / 'go.mod'} does not require {source.module}; expected a line with its version.")
    digest = hashlib.sha256(pinned.encode() + (HERE / "go.sum").read_bytes()).hexdigest()
    wanted = f"{digest} {_run(['go', 'version'], cwd=HERE)}"
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(["go", "build", "-o", str(program), source.package], cwd=HERE)
        stamp.write_text(wanted)
    return Installed(program=program, version=found[1])


def _run(argv: Sequence[str], *, cwd: Path) -> str:
    """Return what *argv* wrote, or raise with what it complained about."""
    try:
        done = subprocess.run(argv, cwd=cwd, env=with_go(os.environ), capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InstallError(f"{argv[0]} is not installed; it was needed for: {' '.join(argv)}") from None
    if done.returncode:
        hint = " If the package lists are missing, run: apt-get update" if argv[0] == "apt-get" else ""
        raise InstallError(f"{' '.join(argv)} failed ({done.returncode}).{hint}\n{done.stderr.strip()}")
    return done.stdout


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
