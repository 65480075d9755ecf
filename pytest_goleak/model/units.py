"""Sizes and durations as people write them, and back."""

from __future__ import annotations

import math
import re

__all__ = ["format_bytes", "format_count", "format_seconds", "parse_duration", "parse_size"]

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)(i?)b?", re.IGNORECASE)
_PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3}


def parse_duration(text: str | float) -> float:
    """Return the seconds in ``"30s"``, ``"500ms"``, ``"1m30s"``; a bare number is seconds.

    Raises:
        ValueError: *text* is not a positive, finite duration.

    """
    if isinstance(text, str) and not _is_number(text):
        compact = text.strip()
        parts = _DURATION_PART.findall(compact)
        if not parts or _DURATION_PART.sub("", compact).strip():
            raise ValueError(f"{text!r} is not a duration; expected for example '30s', '500ms' or '1m30s'")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    else:
        seconds = float(text)
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"{text!r} is not a duration; expected more than 0 seconds, for example '30s'")
    return seconds


def parse_size(text: str | int) -> int:
    """Return the bytes in ``"256MiB"``, ``"64 kB"`` or ``1024``.

    Raises:
        ValueError: *text* is not a positive size.

    """
    match = _SIZE.fullmatch(str(text).strip())
    size = 0
    if match:
        number, prefix, binary = match.groups()
        size = int(float(number) * (1024 if binary else 1000) ** _PREFIXES[prefix.lower()])
    if size <= 0:
        raise ValueError(f"{text!r} is not a size; expected for example '256MiB'")
    return size


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def format_bytes(count: float) -> str:
    """Return *count* with three significant digits and a binary unit: ``1.9 KiB``."""
    if abs(count) < 1024:
        return f"{_three_digits(count)} B"
    power = min(3, int(math.log(abs(count), 1024)))
    return f"{_three_digits(count / 1024**power)} {' KMG'[power]}iB"


def format_count(count: float) -> str:
    """Return *count* with three significant digits, without a trailing ``.0``."""
    return _three_digits(count)


def format_seconds(seconds: float) -> str:
    """Return *seconds* for a reader: ``3 ms``, ``0.4 s``, ``12 s``, ``2 min 5 s``."""
    if 0 < seconds < 0.05:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _three_digits(number: float) -> str:
    if abs(number) >= 100:
        return f"{number:,.0f}"
    text = f"{number:.3g}"
    return f"{float(text):f}".rstrip("0").rstrip(".") if "e" in text else text
