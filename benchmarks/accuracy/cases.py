"""What is judged: the endpoints of the corpus and what is true of them, from the service's own list."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import ROOT, go_version
from pytest_goleak.config.load import from_mapping
from pytest_goleak.model.observation import Signal
from pytest_goleak.model.plan import LoadPlan, RunPlan

__all__ = ["Case", "Corpus", "Truth", "built", "case_of", "holds_for", "joined", "plan_of", "spread", "truth_of"]

SERVICE = ROOT / "tests" / "corpus" / "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one request leaves behind for good, as the corpus declares and proves it."""

    leaks: bool = False
    bytes: float = 0.0
    objects: float = 0.0
    goroutines: float = 0.0
    function: str = ""
    also: tuple[str, ...] = ()
    """Functions that are as right."""
    causes: tuple[str, ...] = ()
    """Rule ids that would be right hints; none are declared where this is empty."""

    def of(self, signal: Signal) -> float:
        """Return the growth per request of *signal*, in its unit."""
        match signal:
            case Signal.HEAP_BYTES:
                return self.bytes
            case Signal.HEAP_OBJECTS:
                return self.objects
            case Signal.GOROUTINES:
                return self.goroutines


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One endpoint whose truth is known; the keys are those of the service's own list."""

    name: str
    category: str
    environment: str = "plain"
    """What it runs in; cases of one environment share a process."""
    method: str = "GET"
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    expect: tuple[str, ...] = ()
    mode: str = ""
    versions: str = ""
    """Go versions that the truth holds for, such as ``>=1.24``; all of them where it is empty."""
    truth: Truth = field(default_factory=Truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Cases, and the services they run in."""

    cases: tuple[Case, ...]
    targets: Mapping[str, Mapping[str, object]]
    """The ``[target]`` table of each environment."""


def case_of(data: Mapping[str, Any]) -> Case:
    """Return the case that one entry of the service's list describes.

    Raises:
        TypeError: it has a key that is not known here.

    """
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    return Case(**{**data, **lists, "truth": truth_of(data["truth"])})


def truth_of(data: Mapping[str, Any]) -> Truth:
    """Return the truth that *data* declares.

    Raises:
        TypeError: it has a key that is not known here.

    """
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    return Truth(**{**data, **lists})


@contextmanager
def built() -> Iterator[Corpus]:
    """Build the corpus service, and give its cases that hold for this Go version.

    Raises:
        subprocess.CalledProcessError: it can't be built, or does not list its cases.

    """
    with TemporaryDirectory(prefix="goleak-corpus-") as folder:
        program = Path(folder, "corpus")
        subprocess.run(["go", "build", "-o", str(program), "."], cwd=SERVICE, check=True)
        listed = subprocess.run([str(program), "-cases"], capture_output=True, text=True, check=True)
        go = go_version()
        cases = tuple(case for data in json.loads(listed.stdout) if holds_for(go, (case := case_of(data)).versions))
        environments = {each.environment for each in cases}
        yield Corpus(cases=cases, targets={each: _target(program, each) for each in environments})


def joined(one: Corpus, other: Corpus) -> Corpus:
    """Return the cases of both, whose environments have different names."""
    return Corpus(cases=one.cases + other.cases, targets={**one.targets, **other.targets})


def _target(program: Path, environment: str) -> dict[str, object]:
    return {
        "command": [str(program), "-addr", "127.0.0.1:{port}", "-environment", environment],
        "cwd": str(SERVICE),
        "ready": "/health",
    }


def holds_for(go: str, versions: str) -> bool:
    """Whether the Go that calls itself *go* (``go version go1.26.8 linux/amd64``) is one of *versions*.

    Args:
        go: anything that has a Go version in it.
        versions: conditions such as ``>=1.24`` or ``>=1.21,<1.23``, all of which must hold; empty is any version.

    Raises:
        ValueError: a condition or *go* can't be read.

    """
    own = _version(go)
    for condition in filter(None, map(str.strip, versions.split(","))):
        match = re.fullmatch(r"(>=|<=|<|>|==)\s*([\d.]+)", condition)
        if match is None:
            raise ValueError(f"{condition!r} is no condition on Go's version; expected one such as '>=1.24'")
        wanted = tuple(map(int, match[2].split(".")))
        mine = own[: len(wanted)]  # 1.24.3 is 1.24
        holds = {
            ">=": mine >= wanted,
            "<=": mine <= wanted,
            ">": mine > wanted,
            "<": mine < wanted,
            "==": mine == wanted,
        }
        if not holds[match[1]]:
            return False
    return True


def _version(text: str) -> tuple[int, ...]:
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise ValueError(f"{text!r} names no version of Go; expected something like 'go1.26.8'")
    return tuple(int(part or 0) for part in match.groups())


def spread(cases: Sequence[Case], count: int, *, seed: int) -> list[Case]:
    """Return *count* of *cases*, as evenly over truth and category as can be, in their own order.

    Sampling is systematic: cases are lined up by truth and category, in random order within one, and every n-th is
    taken from a random start on.
    """
    if count >= len(cases):
        return list(cases)
    random = Random(seed)
    lined = sorted(cases, key=lambda each: (each.truth.leaks, each.category, random.random()))
    step, start = len(lined) / count, random.random()
    taken = {lined[int((start + number) * step)].name for number in range(count)}
    return [each for each in cases if each.name in taken]


def plan_of(target: Mapping[str, object], cases: Sequence[Case], *, concurrency: int, seed: int) -> RunPlan:
    """Return the plan of a run over *cases*, read as a user's ``goleak.toml`` is; budget and the rest are defaults.

    The default concurrency is not set: a user who says nothing gets more connections for slow endpoints.
    """
    load = {} if concurrency == LoadPlan().concurrency else {"concurrency": concurrency}
    return from_mapping(
        {
            "target": target,
            "load": load,
            "measure": {"seed": seed},
            "endpoints": [_endpoint(case) for case in cases],
        },
        root=ROOT,
        source="corpus",
    )


def _endpoint(case: Case) -> dict[str, object]:
    given = {"headers": dict(case.headers), "body": case.body, "expect": list(case.expect), "mode": case.mode}
    return {
        "name": case.name,
        "method": case.method,
        "path": case.path,
        **{key: value for key, value in given.items() if value},
    }
