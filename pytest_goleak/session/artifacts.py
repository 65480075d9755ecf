"""The profiles behind a report, as files that ``go tool pprof`` opens."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["Artifacts", "directory_name"]

_REQUEST = re.compile(r"[A-Z]+ /[a-z0-9./-]*")
_LONGEST = 100


class Artifacts:
    """The directory *out* of one run; each examination in it has a directory of its own."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._taken: set[str] = set()

    def write(self, item_id: str, name: str, profiles: Mapping[str, bytes]) -> dict[str, str]:
        """Write the *profiles* of the endpoint *name*, examined by the test *item_id*; return their paths by name.

        Raises:
            OSError: they can't be written.

        """
        directory = self._out / self._free_name(item_id, name)
        directory.mkdir(parents=True, exist_ok=True)
        written = {}
        for kind, content in profiles.items():
            path = directory / f"{kind}.pb.gz"
            path.write_bytes(content)
            written[kind] = str(path)
        return written

    def _free_name(self, item_id: str, name: str) -> str:
        chosen = first = directory_name(item_id, name)
        number = 1
        while chosen in self._taken:
            number += 1
            chosen = f"{first}-{number}"
        self._taken.add(chosen)
        return chosen


def directory_name(item_id: str, name: str) -> str:
    """Return a file name that every system takes, the same in every run: ``GET /a/b`` becomes ``GET_a_b``.

    Where other endpoints or other tests would get that name as well, a hash tells them apart.
    """
    if item_id.endswith(f"::{name}") and len(name) <= _LONGEST and _REQUEST.fullmatch(name):
        return name.replace(" /", "_").replace("/", "_")
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[:_LONGEST] or "endpoint"
    digest = hashlib.sha256(f"{item_id}\n{name}".encode()).hexdigest()
    return f"{readable}-{digest[:8]}"
