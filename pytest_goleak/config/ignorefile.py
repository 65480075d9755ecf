"""Write accepted leaks into the configuration file, behind everything that is there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

from pytest_goleak.config.document import parse, read_text, table_prefix
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import IgnoreRule

__all__ = ["accepted_reason", "append_ignores"]

_PATTERNS = ("function", "top_function", "any_function", "created_by")


def accepted_reason(day: dt.date) -> str:
    """Return the reason of a rule that nobody has explained yet: valid, and easy to search for."""
    return f"accepted on {day.isoformat()}: fill in why"


def append_ignores(path: Path, rules: Sequence[IgnoreRule]) -> None:
    """Append an ``[[ignore]]`` table for each of *rules* to the file *path*, which is created if missing.

    The text that is there stays as it is, line ends included.

    Raises:
        ConfigError: a rule has no reason or no pattern, the file can't be read or written, or it can't take
            tables at its end (``ignore = []`` is there); nothing is written then.

    """
    if not rules:
        return
    text = read_text(path) if path.exists() else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    heading = ".".join((*table_prefix(path), "ignore"))
    addition = "" if not text or text.endswith("\n") else newline
    for number, rule in enumerate(rules):
        blank = newline if number or text.strip() else ""
        addition += blank + newline.join((f"[[{heading}]]", *_lines(rule))) + newline
    try:
        parse(text + addition, source=str(path))
    except ConfigError as error:
        raise ConfigError(
            f"{path}: can't append [[{heading}]] tables ({error}); write the list of known leaks"
            f" as [[{heading}]] tables first"
        ) from None
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(addition)
    except OSError as error:
        raise ConfigError(f"{path}: can't write accepted leaks: {error.strerror or error}") from None


def _lines(rule: IgnoreRule) -> list[str]:
    patterns = {key: pattern for key in _PATTERNS if (pattern := getattr(rule, key))}
    if not patterns or not rule.reason.strip():
        raise ConfigError(f"an ignore rule needs a pattern and a reason to be written to a file, not {rule}")
    lines = [f"{key} = {_toml_string(pattern)}" for key, pattern in patterns.items()]
    lines.append(f"reason = {_toml_string(rule.reason)}")
    if rule.expires is not None:
        lines.append(f"expires = {dt.date.fromisoformat(rule.expires).isoformat()}")
    return lines


def _toml_string(text: str) -> str:
    """Return *text* as a TOML basic string: JSON's escapes are a subset of TOML's, save that TOML bans a raw DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
