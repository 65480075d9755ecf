"""The recorded profiles of real Go programs, and how to write down what is expected of them.

The profiles come from `golden/program`, built with `-trimpath -ldflags=-buildid=` by each Go version and run as
`GODEBUG=memprofilerate=4096 /srv/golden/golden DIR`; `heap.txt` was gzipped afterwards.
`PYTEST_GOLEAK_UPDATE_GOLDEN=1` makes the tests write the expected texts anew instead of comparing with them: read the
difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

from pytest_goleak.pprof.parse import parse
from pytest_goleak.pprof.profile import Profile

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("go1.21", "go1.24", "go1.26", "go1.27")


def content(version: str, name: str) -> bytes:
    return (GOLDEN / version / name).read_bytes()


def profile(version: str, name: str) -> Profile:
    return parse(content(version, name))


def check_golden(version: str, name: str, actual: str) -> None:
    path = GOLDEN / version / name
    if os.environ.get("PYTEST_GOLEAK_UPDATE_GOLDEN") == "1":
        path.write_text(actual, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == actual
