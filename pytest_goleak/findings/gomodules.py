"""Where Go keeps source: a module by its path, dependencies in the module cache, the standard library in GOROOT.

Profiles name files as the compiler saw them: absolute paths of the machine that built the program, or with
``-trimpath`` ``example.com/service/cache/cache.go``, ``github.com/x/y@v1.2.3/file.go`` and ``net/http/server.go``.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from pytest_goleak.findings.blame import Origin, origin, package_of
from pytest_goleak.model.profile import Frame

__all__ = ["candidates"]

_MODULE = re.compile(r'^module\s+"?([^\s"]+)"?', re.MULTILINE)
_VERSIONED = re.compile(r"^(?P<module>.+?)@(?P<version>v[^/]+)/(?P<rest>.+)$")
_CACHE = "/pkg/mod/"
_GO_ENV_TIMEOUT_S = 20.0


def candidates(frame: Frame, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that may be the source of *frame* here, the likeliest first.

    Args:
        frame: a frame of a profile.
        roots: directories that hold the program's source.

    """
    if Path(frame.file).is_absolute():
        yield Path(frame.file)
    dependency = _VERSIONED.match(frame.file.rpartition(_CACHE)[2])
    if dependency:
        yield from _of_dependency(dependency, roots)
        return
    if origin(frame) >= Origin.STDLIB:
        yield from _of_standard_library(frame, roots)
        return
    yield from _of_modules(frame, roots)
    # A file that moved: the longest end of its path that exists below a root.
    parts = [part for part in PurePosixPath(frame.file.replace("\\", "/")).parts if part not in ("/", "..")]
    if origin(frame) is Origin.THIRD_PARTY:
        for root in roots if "vendor" in parts else ():
            yield root.joinpath(*parts[parts.index("vendor") :])
        return
    for start in range(len(parts)):
        for root in roots:
            yield root.joinpath(*parts[start:])


def _of_dependency(match: re.Match[str], roots: Sequence[Path]) -> Iterator[Path]:
    # The module cache writes capitals as `!c`, for file systems that do not tell them apart.
    escaped = re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", match["module"])
    module_cache, _ = _go_directories(roots)
    for cache in module_cache:
        yield cache / f"{escaped}@{match['version']}" / match["rest"]
    for root in roots:
        yield root / "vendor" / match["module"] / match["rest"]
        # Replaced by a directory of the same repository.
        yield from (folder / match["rest"] for module, folder in _modules(root) if module == match["module"])


def _of_standard_library(frame: Frame, roots: Sequence[Path]) -> Iterator[Path]:
    _, goroot = _go_directories(roots)
    inside = frame.file.rpartition("/src/")[2]
    for root in goroot:
        yield root / "src" / inside


def _of_modules(frame: Frame, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the file below the module that *frame*'s package, or with ``-trimpath`` its file, belongs to."""
    name = PurePosixPath(frame.file.replace("\\", "/")).name
    package = package_of(frame.function)
    for root in roots:
        for module, folder in _modules(root):
            for path in (f"{package}/{name}", frame.file):
                if path.startswith(f"{module}/"):
                    yield folder / path.removeprefix(f"{module}/")


@functools.cache
def _modules(root: Path) -> tuple[tuple[str, Path], ...]:
    """Return path and directory of the module that *root* is in, and of those inside of it, the longest path first."""
    inside = [*root.glob("go.mod"), *root.glob("*/go.mod"), *root.glob("*/*/go.mod")]
    around = [parent / "go.mod" for parent in root.resolve().parents if (parent / "go.mod").is_file()][:1]
    found = [(name, file.parent) for file in (*inside, *around) if (name := _module_path(file))]
    return tuple(sorted(found, key=lambda module: -len(module[0])))


def _module_path(file: Path) -> str | None:
    try:
        match = _MODULE.search(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return match[1] if match else None


@functools.cache
def _asked_go(folder: Path) -> tuple[str, str]:
    """Return GOMODCACHE and GOROOT as the Go command in PATH has them, empty without one."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    try:
        answer = subprocess.run(
            ["go", "env", "GOMODCACHE", "GOROOT"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GO_ENV_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "", ""
    module_cache, goroot = [*answer.stdout.splitlines(), "", ""][:2]
    return module_cache, goroot


def _go_directories(roots: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return where module caches and Go installations are: as the environment, the Go command or custom have it."""
    folder = next((root for root in roots if root.is_dir()), Path.cwd())
    module_cache, goroot = _asked_go(folder)
    gopath = os.environ.get("GOPATH", "").split(os.pathsep)[0] or str(Path.home() / "go")
    caches = [os.environ.get("GOMODCACHE", ""), module_cache, f"{gopath}/pkg/mod"]
    installed = [os.environ.get("GOROOT", ""), goroot, "/usr/local/go"]
    return _directories(caches), _directories(installed)


def _directories(names: Sequence[str]) -> list[Path]:
    return [Path(name) for name in dict.fromkeys(names) if name and Path(name).is_dir()]
