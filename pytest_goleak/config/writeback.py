"""Write settings into the configuration file, and leave its comments and layout as they are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from pytest_goleak.config.document import read_text, table_prefix
from pytest_goleak.config.load import from_mapping
from pytest_goleak.config.problem import quote
from pytest_goleak.config.rules import endpoint_name
from pytest_goleak.model.errors import ConfigError

__all__ = ["write_measure"]

Settings = Mapping[str, Mapping[str, object]]


def write_measure(path: Path, settings: Settings, *, shared: bool) -> str:
    """Write *settings* of ``[measure]`` into the file *path*; return the change as a unified diff, empty if none.

    Args:
        path: a ``goleak.toml`` of any name, or a ``pyproject.toml`` with ``[tool.goleak]``.
        settings: keys of ``[measure]`` and their TOML values, by the name of the endpoint that they were found by.
        shared: whether they are for the whole service: then they go into ``[measure]``, unless the endpoint has a key
            of its own; else into the endpoint's table.

    Raises:
        ConfigError: the file can't be read or written, an endpoint is not in it, or what would be written is no valid
            configuration; nothing is written then.

    """
    before = read_text(path)
    document = tomlkit.parse(before)
    root: Any = document
    for key in table_prefix(path):
        root = root[key]
    for name, keys in settings.items():
        endpoint = _endpoint(root, name, path)
        for key, setting in keys.items():
            if shared and key not in endpoint:
                _put(root.setdefault("measure", tomlkit.table()), key, setting)
            else:
                _put(endpoint, key, setting)
    after = tomlkit.dumps(document)
    from_mapping(root.unwrap(), root=path.parent, source=str(path))
    if after != before:
        _write(path, after)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path.name, path.name, lineterm="", n=1)
    return "\n".join(lines)


def _put(table: Any, key: str, setting: object) -> None:
    """Set *key* of *table*; a table that is there keeps its form, and what it has beside."""
    if not isinstance(setting, Mapping):
        if table.get(key) != setting:
            table[key] = setting
        return
    if key not in table:
        table[key] = tomlkit.value("{ " + ", ".join(f"{name} = {value:g}" for name, value in setting.items()) + " }")
        return
    for name, value in setting.items():
        if table[key].get(name) != value:
            table[key][name] = tomlkit.value(f"{value:g}")


def _endpoint(root: Any, name: str, path: Path) -> Any:
    for table in root.get("endpoints", ()):
        if name == endpoint_name(table.unwrap()):
            return table
    raise ConfigError(
        f"{path}: no [[endpoints]] table for {quote(name)}: it comes from a hook. Settings for it can't be written; "
        f"set them where the endpoint is made."
    )


def _write(path: Path, text: str) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: can't write settings: {error.strerror or error}") from None
