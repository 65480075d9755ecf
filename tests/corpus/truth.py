"""Prove what the corpus declares, by plain counters: `python -m tests.corpus.truth [-k PART_OF_A_NAME] [-j PROCESSES]`.

Every case gets a process of its own, so that no case's leftovers are in another one's counts. It is driven in phases
of equal size, with a look at `GET /memory` (objects, bytes and goroutines after three collections) between them. What
the last two phases together left behind is held against the declared truth. There are more phases, up to eight, while
the two disagree: caches fill, leaks may start late, and capacities that double need many requests for a fair mean.

* A leak must leave what is declared, to 10 % and the noise of a look; and again after 9 s without requests.
* A clean case must be back within 9 s of each phase, to `CLEAN` per request or the noise of a look.

The handlers are proven without the background that some are judged under: they are the same code there, and counts
are exact only where nothing else moves. The backgrounds are proven by themselves: the rows `environment/…`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpus.truth_client import Traffic

__all__ = [
    "ENVIRONMENTS",
    "Growth",
    "Proof",
    "build_program",
    "list_cases",
    "prove_all",
    "prove_case",
    "prove_environment",
]

SOURCE = Path(__file__).parent / "service"
KIB = 1024
MIB = 1024 * KIB

IDLE_S = 9.0
"""The corpus promises 8 s; a second is for the looks."""
PHASES = 8
PHASE_S = 3.0
"""About as long as a phase takes, if it need not be shorter."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Live memory and goroutines: a level, a difference of levels, or either of them per request."""

    bytes: float
    objects: float
    goroutines: float

    def __sub__(self, other: Growth) -> Growth:
        return Growth(self.bytes - other.bytes, self.objects - other.objects, self.goroutines - other.goroutines)

    def __mul__(self, factor: float) -> Growth:
        return Growth(self.bytes * factor, self.objects * factor, self.goroutines * factor)

    def __iter__(self) -> Iterator[float]:
        return iter((self.bytes, self.objects, self.goroutines))

    def __str__(self) -> str:
        return f"{self.bytes:.4g} B, {self.objects:.4g} objects, {self.goroutines:.4g} goroutines"


LOOK = Growth(48 * KIB, 96, 2)
"""Noise of one look: what the runtime and the server keep now and then, whatever the number of requests."""
CLEAN = Growth(16, 0.05, 0.005)
"""What a clean case may grow by per request, over at least 20,000 requests where it is fast enough.

A level that moves (a batch that is half full, a convoy of up to 99 goroutines) needs this much.
"""
LEAK_SHARE = 0.1
MOST = Growth(48 * MIB, 200_000, 4000)
"""What a phase may leave behind, so that collections stay fast and descriptors suffice."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of one case."""

    name: str
    agrees: bool
    measured: str
    declared: str
    requests: int
    duration_s: float
    problem: str = ""


def build_program(directory: Path, go: str = "go", *, race: bool = False) -> Path:
    """Build the service into *directory* and return the path of the program."""
    program = directory / "corpus"
    flags = ["-race"] if race else []
    subprocess.run([go, "build", *flags, "-o", str(program), "."], cwd=SOURCE, check=True)
    return program


def list_cases(program: Path) -> list[dict[str, Any]]:
    """Return the cases that *program* has, as it declares them."""
    output = subprocess.run([program, "-cases"], check=True, capture_output=True).stdout
    cases: list[dict[str, Any]] = json.loads(output)
    return cases


@contextlib.contextmanager
def serving(program: Path, environment: str) -> Iterator[int]:
    """Run the service and give its port."""
    command = [str(program), "-environment", environment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.terminate()


def look(port: int) -> Growth:
    """Return the level of the service after its collections."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/memory", headers={"Connection": "close"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return Growth(**json.load(response))


def prove_case(program: Path, case: dict[str, Any], phases: int = PHASES) -> Proof:
    """Drive *case* in a process of its own, in 2 to *phases* phases, and compare what it leaves with what it declares."""
    started = time.monotonic()
    truth = case["truth"]
    declared = Growth(truth["bytes"], truth["objects"], truth["goroutines"])
    prove = _prove_leak if truth["leaks"] else _prove_clean
    with serving(program, "plain") as port:
        traffic = Traffic(case=case, port=port)
        requests, clients = _choose_phase(traffic, declared)
        agrees, growth, used = prove(traffic, declared, requests, clients, phases)
    unexpected = traffic.unexpected()
    return Proof(
        name=case["name"],
        agrees=agrees and not unexpected,
        measured=str(growth),
        declared=str(declared),
        requests=used * requests,
        duration_s=time.monotonic() - started,
        problem=f"statuses {dict(traffic.statuses)}" if unexpected else "",
    )


def _choose_phase(traffic: Traffic, declared: Growth) -> tuple[int, int]:
    """Warm up, and return requests per phase and the number of clients for them."""
    clients, warm_up = 16, 128
    began = time.monotonic()
    traffic.send(warm_up, clients)
    rate = warm_up / (time.monotonic() - began)
    if rate < 1600:  # slow for its own reasons, not for want of CPU: more clients are more requests
        clients, rate = 64, 4 * rate
    limits = [most / each for most, each in zip(MOST, declared, strict=True) if each]
    most = 5000 if traffic.case.get("mode") else 10_000  # each of those needs a connection, and ports are finite
    return max(200, int(min(most, rate * PHASE_S, *limits))), clients


def _prove_clean(
    traffic: Traffic, _declared: Growth, requests: int, clients: int, phases: int
) -> tuple[bool, Growth, int]:
    levels = [look(traffic.port)]
    for phase in range(1, phases + 1):
        traffic.send(requests, clients)
        levels.append(_wait_until_back(traffic.port, levels[-1], requests))
        if phase >= 2 and _is_back(levels[-1], levels[-3], 2 * requests):
            break
    growth = levels[-1] - levels[-3]
    return _is_back(levels[-1], levels[-3], 2 * requests), growth * (0.5 / requests), phase


def _wait_until_back(port: int, before: Growth, requests: int) -> Growth:
    """Return the level once it is that of *before*, at the latest after :data:`IDLE_S`."""
    deadline = time.monotonic() + IDLE_S
    while True:
        level = look(port)
        if _is_back(level, before, requests) or time.monotonic() > deadline:
            return level
        time.sleep(0.2)


def _is_back(level: Growth, before: Growth, requests: int) -> bool:
    allowed = CLEAN * requests
    return all(grown <= max(noise, share) for grown, noise, share in zip(level - before, LOOK, allowed, strict=True))


def _prove_leak(
    traffic: Traffic, declared: Growth, requests: int, clients: int, phases: int
) -> tuple[bool, Growth, int]:
    levels = [_wait_until_still(traffic.port)]
    for phase in range(1, phases + 1):
        traffic.send(requests, clients)
        levels.append(_wait_until_still(traffic.port))
        if phase >= 2 and _is_as_declared(levels[-1] - levels[-3], declared * (2 * requests)):
            time.sleep(IDLE_S)
            levels[-1] = look(traffic.port)
            break
    growth = levels[-1] - levels[-3]
    return _is_as_declared(growth, declared * (2 * requests)), growth * (0.5 / requests), phase


def _wait_until_still(port: int) -> Growth:
    """Return the level when two looks in succession are the same but for noise."""
    deadline = time.monotonic() + IDLE_S
    last = look(port)
    while time.monotonic() < deadline:
        time.sleep(0.4)
        level = look(port)
        if all(abs(moved) <= noise for moved, noise in zip(level - last, LOOK, strict=True)):
            return level
        last = level
    return last


def _is_as_declared(growth: Growth, declared: Growth) -> bool:
    return all(
        abs(grown - due) <= LEAK_SHARE * due + noise for grown, due, noise in zip(growth, declared, LOOK, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Promise:
    """What an environment does without any request."""

    text: str
    look_s: float
    """How long to look at it."""
    pause_s: float = 0.03
    """Between two looks, which take CPU time of their own."""
    swing_bytes: tuple[float, float] = (0, LOOK.bytes)
    """Bounds of the difference between the highest and the lowest level."""
    swing_goroutines: tuple[float, float] = (0, LOOK.goroutines)
    least_bytes: float = 0
    least_cpu: float = 0
    """CPU time as a share of what a loop in this process gets meanwhile: machines are shared, fairly."""


ENVIRONMENTS = {
    "plain": Promise("nothing moves", 2),
    "sawtooth": Promise("live memory swings by 16 MiB", 3, swing_bytes=(12 * MIB, 26 * MIB)),
    "breathing": Promise("0 to 100 goroutines", 6, swing_bytes=(0, MIB), swing_goroutines=(50, 105)),
    "busy": Promise("all CPUs are busy", 4, pause_s=1, swing_bytes=(0, MIB), least_cpu=0.5),
    "bigheap": Promise("1 GiB is live", 4, least_bytes=1024 * MIB),
    "drift": Promise("64 KiB more every second, for 8 s", 8, swing_bytes=(384 * KIB, 640 * KIB)),
    "flush": Promise("4 MiB grow and go every 2 s", 6, swing_bytes=(2 * MIB, 12 * MIB)),
}


def prove_environment(program: Path, name: str) -> Proof:
    """Look at an environment for a while, without requests but the looks, and compare with its promise."""
    promise = ENVIRONMENTS[name]
    cpu_before, own_before = _cpu_of_children(), time.process_time()
    started = time.monotonic()
    with serving(program, name) as port:
        levels = [look(port)]
        looked_from = time.monotonic()
        while time.monotonic() < looked_from + promise.look_s:
            _pass_time(promise.pause_s, busily=promise.least_cpu > 0)
            levels.append(look(port))
    cpu = (_cpu_of_children() - cpu_before) / (time.process_time() - own_before)
    swing = Growth(*(max(column) - min(column) for column in zip(*levels, strict=True)))
    agrees = (
        promise.swing_bytes[0] <= swing.bytes <= promise.swing_bytes[1]
        and promise.swing_goroutines[0] <= swing.goroutines <= promise.swing_goroutines[1]
        and min(level.bytes for level in levels) >= promise.least_bytes
        and cpu >= promise.least_cpu
    )
    measured = f"{swing}; at least {min(level.bytes for level in levels) / MIB:.1f} MiB"
    if promise.least_cpu:
        measured += f"; {cpu:.1f} times the CPU of a loop beside it"
    return Proof(f"environment/{name}", agrees, measured, promise.text, 0, time.monotonic() - started)


def _pass_time(duration_s: float, *, busily: bool) -> None:
    if not busily:
        time.sleep(duration_s)
        return
    deadline = time.monotonic() + duration_s
    while time.monotonic() < deadline:
        pass


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def prove_all(program: Path, parts: Sequence[str], processes: int) -> Iterator[Proof]:
    """Prove every case and environment that has one of *parts* in its name; all of them if there are no parts."""

    def chosen(name: str) -> bool:
        return not parts or any(re.search(part, name) for part in parts)

    # Spawned, since a fork of a process with threads, such as a test run, may hang.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        proofs = [pool.submit(prove_case, program, case) for case in list_cases(program) if chosen(case["name"])]
        proofs += [
            pool.submit(prove_environment, program, name) for name in ENVIRONMENTS if chosen(f"environment/{name}")
        ]
        for proof in proofs:
            yield proof.result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Prove the cases that were asked for, print a table, and return 1 if any disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.truth", description="Prove the truth of the corpus.")
    parser.add_argument("-k", action="append", default=[], metavar="PATTERN", help="only names with this in them")
    parser.add_argument(
        "-j", type=int, default=4, metavar="N", help="services at a time (default 4; most time is idle)"
    )
    parser.add_argument("--program", type=Path, help="the service, built already (default: build it)")
    parser.add_argument("--go", default="go", help="the go command that builds the service")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        program = options.program or build_program(Path(directory), options.go)
        proofs = []
        for proof in prove_all(program, options.k, options.j):
            proofs.append(proof)
            verdict = "agrees" if proof.agrees else "DIFFERS"
            print(
                f"{verdict:8}{proof.name:42}{proof.requests:>7}{proof.duration_s:6.1f} s  {proof.measured}", flush=True
            )
            if not proof.agrees:
                print(f"{'':8}declared: {proof.declared}  {proof.problem}", flush=True)
    differing = sum(not proof.agrees for proof in proofs)
    print(f"{len(proofs)} proven, {differing} of them differ from what is declared")
    return 1 if differing or not proofs else 0


if __name__ == "__main__":
    sys.exit(main())
