"""The profiles behind a report, as files that ``go tool pprof`` opens."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Artifacts", "directory_name"]

LONGEST = 120
"""Longest directory name before a suffix, well below what file systems allow."""

PLAIN = re.compile(r"[A-Z]+ (/[A-Za-z0-9.-]+)+|[A-Za-z0-9.-]+( [A-Za-z0-9.-]+)*")
"""Names that no other such name shares its directory with."""


class Artifacts:
    """The directory of one run's profiles, with one below it for each examination."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: Counter[str] = Counter()

    def write(self, name: str, profiles: Mapping[str, bytes]) -> dict[str, str]:
        """Write *profiles* of the endpoint *name*; return their paths by kind.

        An endpoint that is examined again in the same run gets a further directory; a later run writes over it.
        """
        self._seen[name] += 1
        number = f"-{self._seen[name]}" if self._seen[name] > 1 else ""
        directory = self._out / f"{directory_name(name)}{number}"
        directory.mkdir(parents=True, exist_ok=True)
        written = {}
        for kind, content in profiles.items():
            path = directory / f"{kind}.pb.gz"
            path.write_bytes(content)
            written[kind] = str(path)
        return written


def directory_name(name: str) -> str:
    """Return *name* as a file name that every system takes: ``GET /a/b`` becomes ``GET_a_b``.

    Names that lose something on the way, and might share a directory with another one, end with a part of their hash.
    """
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")
    if PLAIN.fullmatch(name) and len(readable) <= LONGEST:
        return readable
    return f"{readable[:LONGEST] or 'endpoint'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
