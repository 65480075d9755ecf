"""The profiles behind a report, as files that ``go tool pprof`` opens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["directory_name", "write"]


def write(out: Path, name: str, profiles: Mapping[str, bytes]) -> dict[str, str]:
    """Write *profiles* into a directory of their own below *out*; return their paths by name."""
    directory = out / directory_name(name)
    directory.mkdir(parents=True, exist_ok=True)
    written = {}
    for kind, content in profiles.items():
        path = directory / f"{kind}.pb.gz"
        path.write_bytes(content)
        written[kind] = str(path)
    return written


def directory_name(name: str) -> str:
    """Return *name* as a file name that every system takes: ``GET /a/b`` becomes ``GET_a_b``."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[:120] or "endpoint"
