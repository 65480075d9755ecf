"""Files of trials: one line of JSON each, added as soon as a trial is over, so that a run cut off loses nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import truth_of
from benchmarks.accuracy.trial import Estimate, Growth, Method, Place, Trial
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import Outcome

__all__ = ["append", "keep", "read"]


def append(path: Path, trial: Trial) -> None:
    """Add *trial* to the file *path*, as one line and in one write: several processes may share the file."""
    with path.open("ab", buffering=0) as file:
        file.write(_line(trial).encode())


def keep(path: Path, trials: Iterable[Trial]) -> None:
    """Write *trials* to *path*, compressed; the same trials give the same bytes."""
    path.write_bytes(gzip.compress("".join(map(_line, trials)).encode(), mtime=0))


def read(paths: Iterable[Path]) -> Iterator[Trial]:
    """Yield the trials of the files *paths*; names that end in ``.gz`` are of compressed ones.

    Raises:
        ValueError: a line is no trial; the message names the file and the line.

    """
    for path in paths:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                yield _trial(json.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}:{number}: this line is no trial ({error!r}); expected one that --json wrote. "
                    f"If the run was cut off in the middle of the line, remove it."
                ) from error


def _line(trial: Trial) -> str:
    return json.dumps(asdict(trial), ensure_ascii=False, allow_nan=False) + "\n"


def _trial(data: Mapping[str, Any]) -> Trial:
    parsed: dict[str, Any] = {
        "method": Method(data["method"]),
        "outcome": Outcome(data["outcome"]),
        "truth": truth_of(data["truth"]),
        "estimates": {Signal(name): Estimate(**each) for name, each in data["estimates"].items()},
        "places": tuple(Place(**each) for each in data["places"]),
        "growth": Growth(**data["growth"]) if data["growth"] else None,
    }
    plain: dict[str, Any] = {each.name: data[each.name] for each in fields(Trial) if each.name not in parsed}
    return Trial(**plain, **parsed)
