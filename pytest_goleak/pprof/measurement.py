"""Figures as ``go tool pprof`` prints them: the same units, the same rounding."""

from __future__ import annotations

__all__ = ["common_unit", "label", "percentage"]

_UNITS: tuple[tuple[str, dict[str, float]], ...] = (
    ("B", {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}),
    ("s", {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "hrs": 3600e9}),
)
"""Families of units that scale into each other, with the one used for a value too small for any."""

_ALIASES = {
    "b": "B", "byte": "B", "kb": "kB", "kbyte": "kB", "kilobyte": "kB", "mb": "MB", "mbyte": "MB", "megabyte": "MB",
    "gb": "GB", "gbyte": "GB", "gigabyte": "GB", "tb": "TB", "tbyte": "TB", "terabyte": "TB", "pb": "PB",
    "pbyte": "PB", "petabyte": "PB", "ns": "ns", "nanosecond": "ns", "μs": "us", "us": "us", "microsecond": "us",
    "ms": "ms", "millisecond": "ms", "s": "s", "sec": "s", "second": "s", "hour": "hrs", "hr": "hrs",
}  # fmt: skip

_PLAIN_UNITS = {"count", "sample", "unit", "minimum", "auto"}
"""Units that are not worth a word behind the number."""


def label(value: int, unit: str, to_unit: str = "auto") -> str:
    """Return *value* with its unit, in *to_unit* or (``auto``) the largest in which it is at least 1: ``1.50MB``."""
    scaled, shown_unit = _scale(value, unit, to_unit)
    text = f"{scaled:.2f}".removesuffix(".00")
    return "0" if text in {"0", "-0"} else text + shown_unit


def percentage(value: int, total: int) -> str:
    """Return the share of *value* in *total*, six characters wide, without a sign."""
    share = abs(value / total) * 100 if total else 0.0
    if 99.95 <= share <= 100.05:
        return "  100%"
    return f"{share:5.2f}%" if share >= 1 else f"{share:5.2g}%"


def common_unit(smallest: int, largest: int, unit: str) -> str:
    """Return the unit in which a table from *smallest* to *largest* (absolute values) reads well."""
    smallest = smallest or largest
    _, chosen = _scale(smallest, unit, "minimum")
    _, for_largest = _scale(largest, unit, "minimum")
    if chosen != for_largest and smallest * 100 < largest:
        # The smallest value may shrink to 0.01 of a larger unit.
        _, chosen = _scale(100 * smallest, unit, "minimum")
    return chosen or unit


def _scale(value: int, unit: str, to_unit: str) -> tuple[float, str]:
    if value < 0:
        scaled, shown_unit = _scale(-value, unit, to_unit)
        return -scaled, shown_unit
    known = _canonical(unit)
    for default, factors in _UNITS:
        if known in factors:
            return _convert(value * factors[known], default, factors, to_unit)
    return float(value), "" if to_unit in _PLAIN_UNITS else to_unit


def _convert(base: float, default: str, factors: dict[str, float], to_unit: str) -> tuple[float, str]:
    if to_unit in {"minimum", "auto"}:
        fitting = [name for name, factor in factors.items() if base / factor >= 1]
        chosen = fitting[-1] if fitting else default
    else:
        wanted = _canonical(to_unit)
        chosen = wanted if wanted in factors else default
    return base / factors[chosen], chosen


def _canonical(unit: str) -> str:
    name = unit.lower()
    return _ALIASES.get(name.removesuffix("s") if len(name) > 2 else name, "")
