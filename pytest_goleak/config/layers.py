"""Settings from several places as one: ini options, file, command line, each stronger than the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["add_defaults", "add_overrides", "merge", "nest", "plain", "shape_of"]

Settings = Mapping[str, Any]

_STARTED_KEYS = ("build", "command", "cwd", "env", "memprofilerate", "build_timeout", "socket")


def nest(options: Mapping[str, object] | None) -> dict[str, Any]:
    """Return ``{"measure": {"budget": …}}`` for ``{"measure.budget": …}``; ``None`` is an option not given."""
    nested: dict[str, Any] = {}
    for dotted, given in (options or {}).items():
        if given is None:
            continue
        *tables, key = dotted.split(".")
        one: dict[str, Any] = {key: plain(given)}
        for table in reversed(tables):
            one = {table: one}
        nested = merge(nested, one)
    return nested


def plain(given: Any) -> Any:
    """Return *given* in the types of TOML: any mapping as a dict, any sequence but text as a list."""
    if isinstance(given, Mapping):
        return {key: plain(item) for key, item in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        return [plain(item) for item in given]
    return given


def merge(weak: Settings, strong: Settings) -> dict[str, Any]:
    """Return *weak* with the settings of *strong* laid over it, table by table; lists are replaced."""
    merged = dict(weak)
    for key, given in strong.items():
        below = merged.get(key)
        merged[key] = merge(below, given) if isinstance(below, dict) and isinstance(given, dict) else given
    return merged


def add_defaults(file: Settings, defaults: Settings) -> dict[str, Any]:
    """Return the settings of *file* over the weaker *defaults*."""
    if "command" in _table(file, "target") and "url" in _table(defaults, "target"):
        # A file that starts a service has chosen its target; the weaker URL is not where that one will listen.
        target = {key: given for key, given in defaults["target"].items() if key != "url"}
        defaults = {**defaults, "target": target}
    return merge(defaults, file)


def add_overrides(settings: Settings, overrides: Settings) -> dict[str, Any]:
    """Return *settings* under the stronger *overrides*, which beat the keys of single endpoints too."""
    if "url" in _table(overrides, "target") and isinstance(settings.get("target"), dict):
        # A URL on the command line names a service that runs: there is none to build and start.
        target = {key: given for key, given in settings["target"].items() if key not in _STARTED_KEYS}
        settings = {**settings, "target": target}
    merged = merge(settings, overrides)
    if isinstance(endpoints := merged.get("endpoints"), list):
        beaten = shape_of(overrides)
        merged["endpoints"] = [_without(item, beaten) if isinstance(item, dict) else item for item in endpoints]
    return merged


def shape_of(settings: Settings) -> dict[str, Any]:
    """Return the keys that endpoints share with ``[load]`` and ``[measure]``."""
    return merge(_table(settings, "load"), _table(settings, "measure"))


def _without(table: dict[str, Any], beaten: Settings) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for key, given in table.items():
        by = beaten.get(key)
        if isinstance(by, dict) and isinstance(given, dict):
            left[key] = _without(given, by)
        elif key not in beaten:
            left[key] = given
    return left


def _table(settings: Settings, key: str) -> dict[str, Any]:
    table = settings.get(key)
    return table if isinstance(table, dict) else {}
