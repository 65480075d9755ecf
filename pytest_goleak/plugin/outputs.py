"""The files that a run is to write: tried before anything is measured, since a measurement takes minutes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from pytest_goleak.plugin.options import flag, origin, out_directory, value
from pytest_goleak.plugin.settings import config_file

__all__ = ["check_outputs", "document_path", "unwritable"]

WRITERS = ("goleak_accept", "goleak_calibrate_write")
"""Switches that write into the configuration file."""


def document_path(config: pytest.Config, option: str) -> Path | None:
    """Return where the document of *option* goes, ``None`` where it is not asked for."""
    path = value(config, option)
    return config.invocation_params.dir / path if isinstance(path, Path) else None


def check_outputs(config: pytest.Config, documents: Iterable[str]) -> None:
    """Refuse what could not be written at the end; *documents* are the options that each name one file.

    Raises:
        pytest.UsageError: a report, an artifact or the configuration file can't be written, or there is no such file.

    """
    for option in documents:
        path = document_path(config, option)
        if path is not None:
            _check(config, option, path, is_directory=False)
    _check(config, "goleak_out", out_directory(config), is_directory=True)
    source = config_file(config)
    for option in WRITERS:
        if not flag(config, option):
            continue
        if source is None:
            raise pytest.UsageError(
                f"{origin(config, option)}: there is no goleak.toml to write into. Expected one next to your tests, "
                f"which may be empty, or another file that --goleak-config names."
            )
        _check(config, option, source, is_directory=False)


def unwritable(path: Path, problem: OSError) -> str:
    """Return the words for a *path* that can't be written."""
    return f"{path} can't be written: {problem.strerror}. Expected a path in a writable directory."


def _check(config: pytest.Config, option: str, path: Path, *, is_directory: bool) -> None:
    try:
        _try(path, is_directory=is_directory)
    except OSError as problem:
        raise pytest.UsageError(f"{origin(config, option)}: {unwritable(path, problem)}") from None


def _try(path: Path, *, is_directory: bool) -> None:
    """Raise what writing would, and leave nothing behind; permissions alone tell root nothing of ``/proc``."""
    if path.exists() and not is_directory:
        path.open("ab").close()
        return
    place = path if is_directory else path.parent
    while not place.exists():
        place = place.parent
    TemporaryFile(dir=place).close()
