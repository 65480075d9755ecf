"""The configuration file as a document: where it is, and its TOML as plain data."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pytest_goleak.model.errors import ConfigError

__all__ = ["FILE_NAME", "find", "parse", "read_settings", "read_text", "table_prefix"]

FILE_NAME = "goleak.toml"
_PYPROJECT = "pyproject.toml"
_POSITION = re.compile(r"^(?P<what>.*?) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)


def find(rootdir: Path) -> Path | None:
    """Return the configuration file of *rootdir*: ``goleak.toml``, else a ``pyproject.toml`` with ``[tool.goleak]``.

    Raises:
        ConfigError: a ``pyproject.toml`` that mentions goleak can't be read.

    """
    own = rootdir / FILE_NAME
    if own.is_file():
        return own
    shared = rootdir / _PYPROJECT
    # Most files that lack the table lack the word: a search of bytes spares every start of pytest the parsing.
    if not shared.is_file() or b"goleak" not in _read_bytes(shared):
        return None
    tool = parse(read_text(shared), source=str(shared)).get("tool")
    return shared if isinstance(tool, dict) and "goleak" in tool else None


def table_prefix(path: Path) -> tuple[str, ...]:
    """Return the keys that lead to our table in the file *path*."""
    return ("tool", "goleak") if path.name == _PYPROJECT else ()


def read_settings(path: Path) -> dict[str, Any]:
    """Return our table of the file *path*, as TOML gives it.

    Raises:
        ConfigError: the file can't be read, is not TOML, or has no such table.

    """
    data: Any = parse(read_text(path), source=str(path))
    prefix = table_prefix(path)
    for key in prefix:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: no table [{'.'.join(prefix)}]; add it, or name another file with --goleak-config")
    return data


def read_text(path: Path) -> str:
    """Return the text of *path*, line ends as they are, without a byte order mark.

    Raises:
        ConfigError: the file is missing, not readable, or not UTF-8.

    """
    content = _read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None


def parse(text: str, *, source: str) -> dict[str, Any]:
    """Return the data of a TOML document.

    Raises:
        ConfigError: *text* is not TOML; the message names *source*, line and column.

    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        message = f"{source}: not valid TOML: arrays or tables nested too deeply"
    except ValueError as error:  # also what int() says to a number of thousands of digits
        message = _syntax_error(str(error), text, source)
    # Raised out here so that the parser's own error is not its context: that one holds the text, secrets included.
    raise ConfigError(message)


def _syntax_error(reported: str, text: str, source: str) -> str:
    if match := _POSITION.match(reported):
        return f"{source}:{match['line']}:{match['column']}: not valid TOML: {match['what']}"
    if reported.endswith("(at end of document)"):
        lines = text.split("\n")
        what = reported.removesuffix(" (at end of document)")
        return f"{source}:{len(lines)}:{len(lines[-1]) + 1}: not valid TOML: {what} at the end of the file"
    return f"{source}: not valid TOML: {reported}"


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: can't read the configuration file: {error.strerror or error}") from None
