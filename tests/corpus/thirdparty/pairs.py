"""Released modules with a documented leak, each with the version that mended it; their truth proved by plain counters.

``python -m tests.corpus.thirdparty.pairs [NAME ...]`` builds both programs of each pair, loads them, and compares what
stays with the truth that the pair declares. Nothing of the judge is used here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, Literal

__all__ = ["HERE", "PROGRAMS", "VARIANTS", "Levels", "Pair", "Truth", "build", "load_pairs", "prove", "running"]

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[2] / ".build" / "thirdparty"
"""Where programs are put unless told otherwise; the compiled packages are shared by Go's own cache."""

Variant = Literal["leaky", "fixed"]
VARIANTS: tuple[Variant, ...] = ("leaky", "fixed")

CONNECTIONS = 8
DRAIN_S = 8.0
"""How long what is not leaked may take to go."""

FEW_OBJECTS = 400
FEW_BYTES = 48 << 10
FEW_GOROUTINES = 2
"""What a round may leave without being a leak: grown maps, pools, structures of the runtime."""

TOLERANCE = 0.1
"""Greatest relative difference of a measured figure from the declared one."""

ROUNDS = (1, 3)
"""Requests of the rounds, in multiples of what is asked for: the same figure in both is growth by the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one request leaves behind for good in the leaky version."""

    bytes: float
    objects: float
    goroutines: float
    function: str
    """The function that a right report names, as profiles spell it."""
    also: tuple[str, ...] = ()
    """Functions that are as right."""
    causes: tuple[str, ...] = ()
    """Rules whose explanation is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A module in two released versions, and one request that tells them apart."""

    name: str
    """Also the name of the pair's directory."""
    module: str
    leaky: str
    fixed: str
    source: str
    """Where the leak is documented."""
    what: str
    path: str
    """``{n}`` in path and method never repeats. An invented method has 16 letters and more: the runtime packs several
    shorter texts into one object, or not, as it happens."""
    method: str
    expect: tuple[str, ...] = field(default=("2xx",))
    truth: Truth


def load_pairs(names: Iterable[str] = ()) -> tuple[Pair, ...]:
    """Return the pairs with these *names*, or all, by name.

    Raises:
        LookupError: No pair has one of the names.
    """
    pairs = {path.parent.name: _read(path) for path in sorted(HERE.glob("*/pair.json"))}
    chosen = tuple(names) or tuple(pairs)
    unknown = [name for name in chosen if name not in pairs]
    if unknown:
        raise LookupError(f"no such pair: {', '.join(unknown)}. Expected some of: {', '.join(pairs)}")
    return tuple(pairs[name] for name in chosen)


def _read(path: Path) -> Pair:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    truth: dict[str, Any] = document.pop("truth")
    also, causes = tuple(truth.pop("also", ())), tuple(truth.pop("causes", ()))
    expect = tuple(document.pop("expect", ("2xx",)))
    return Pair(**document, expect=expect, truth=Truth(**truth, also=also, causes=causes))


def build(pair: Pair, variant: Variant, directory: Path = PROGRAMS) -> Path:
    """Build one *variant* into *directory*, which is made if missing, and return the program.

    Raises:
        subprocess.CalledProcessError: Go could not build it; its own message is on the standard error.
    """
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / f"{pair.name}-{variant}"
    requirements = f"-modfile={pair.name}/{variant}.mod"
    subprocess.run(["go", "build", requirements, "-o", str(program), f"./{pair.name}"], cwd=HERE, check=True)
    return program


@dataclass(frozen=True, slots=True)
class Levels:
    """Live heap and goroutines after collections."""

    bytes: int
    objects: int
    goroutines: int

    def since(self, before: Levels) -> Levels:
        """Return what has been added to *before*."""
        return Levels(self.bytes - before.bytes, self.objects - before.objects, self.goroutines - before.goroutines)

    @property
    def are_few(self) -> bool:
        """Whether this growth is no more than any program's."""
        return self.bytes <= FEW_BYTES and self.objects <= FEW_OBJECTS and self.goroutines <= FEW_GOROUTINES


class Service:
    """A running program of a pair, one request of it, and its counters."""

    def __init__(self, pair: Pair, address: str) -> None:
        self._pair = pair
        self._address = address
        self._counters = HTTPConnection(address, timeout=60)  # kept, so that it never counts as growth
        self._numbers = count()
        self._lock = threading.Lock()

    def close(self) -> None:
        self._counters.close()

    def send(self, requests: int) -> None:
        """Send so many requests over a few connections, and close these.

        Raises:
            RuntimeError: An answer has another status than the pair's.
        """
        share, rest = divmod(requests, CONNECTIONS)
        with ThreadPoolExecutor(CONNECTIONS) as clients:
            list(clients.map(self._send_some, (share + (number < rest) for number in range(CONNECTIONS))))

    def _send_some(self, requests: int) -> None:
        with closing(HTTPConnection(self._address, timeout=60)) as connection:
            for _ in range(requests):
                with self._lock:
                    number = str(next(self._numbers))
                method, path = (text.replace("{n}", number) for text in (self._pair.method, self._pair.path))
                connection.request(method, path)
                response = connection.getresponse()
                text = response.read()
                if not any(_fits(response.status, status) for status in self._pair.expect):
                    raise RuntimeError(f"{self._pair.name}: {method} {path}: {response.status} {text!r}")

    def levels(self) -> Levels:
        self._counters.request("GET", "/memory")
        return Levels(**json.loads(self._counters.getresponse().read()))

    def grow(self, requests: int) -> Levels:
        """Return what stays of so many requests: at most a few, or what is still there after the longest drain."""
        before, deadline = self.levels(), float("inf")
        self.send(requests)
        while True:
            grown = self.levels().since(before)
            deadline = min(deadline, time.monotonic() + DRAIN_S)
            if grown.are_few or time.monotonic() > deadline:
                return grown
            time.sleep(0.25)


def _fits(status: int, expected: str) -> bool:
    return expected in (str(status), f"{status // 100}xx")


@contextmanager
def running(pair: Pair, program: Path) -> Iterator[Service]:
    """Start *program* on a free port and stop it in the end."""
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().removeprefix("http://")
            with closing(Service(pair, address)) as service:
                yield service
        finally:
            process.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What stayed of the requests of each round."""

    pair: Pair
    variant: Variant
    rounds: tuple[tuple[int, Levels], ...]

    @property
    def holds(self) -> bool:
        """Whether every round shows the declared growth, or none where the leak is mended."""
        if self.variant == "fixed":
            return all(grown.are_few for _, grown in self.rounds)
        truth = self.pair.truth
        return all(
            _is_near(grown.bytes, truth.bytes * requests, FEW_BYTES)
            and _is_near(grown.objects, truth.objects * requests, FEW_OBJECTS)
            and _is_near(grown.goroutines, truth.goroutines * requests, FEW_GOROUTINES)
            for requests, grown in self.rounds
        )

    def __str__(self) -> str:
        figures = "; ".join(
            f"{grown.bytes / requests:.1f} B, {grown.objects / requests:.3f} objects, "
            f"{grown.goroutines / requests:.3f} goroutines"
            for requests, grown in self.rounds
        )
        return f"{self.pair.name:18} {self.variant:6} {'proved' if self.holds else 'NOT AS DECLARED':15} {figures}"


def _is_near(measured: float, declared: float, few: float) -> bool:
    return abs(measured - declared) <= max(few, TOLERANCE * declared)


def prove(pair: Pair, variant: Variant, *, requests: int, directory: Path = PROGRAMS) -> Proof:
    """Build and run one *variant*, and return what stays of two rounds of requests after a first that is not counted."""
    with running(pair, build(pair, variant, directory)) as service:
        service.send(requests)
        return Proof(
            pair=pair,
            variant=variant,
            rounds=tuple((times * requests, service.grow(times * requests)) for times in ROUNDS),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Prove the pairs of the command line, or all; return 1 if the truth of one is not as declared."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus.thirdparty.pairs", description="Prove the pairs' truth."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="pairs to prove (default: all)")
    parser.add_argument(
        "--requests", type=int, default=500, metavar="N", help="requests of the first round (default 500)"
    )
    options = parser.parse_args(argv)
    try:
        pairs = load_pairs(options.names)
    except LookupError as error:
        parser.error(str(error))
    failures = 0
    for pair in pairs:
        for variant in VARIANTS:
            proof = prove(pair, variant, requests=options.requests)
            failures += not proof.holds
            print(proof, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
