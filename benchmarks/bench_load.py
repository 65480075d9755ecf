"""Compare the built-in load driver with hey and httpx on a Go health check, interleaved in one run.

Run it from the repository with ``python benchmarks/bench_load.py``. It needs Go and hey; medians of requests per second
and their ratios are printed. Service and driver share the processors, so that both count. Of our driver the whole call
is timed, handles set up and connections closed; of hey what it reports itself, without the start of its process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from pytest_goleak.load.builtin import BuiltinDriver
from pytest_goleak.load.hey import HeyDriver
from pytest_goleak.model.plan import Endpoint, LoadPlan
from pytest_goleak.model.protocols import LoadJob

SERVICE = """
package main

import (
	"fmt"
	"net"
	"net/http"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/api/v1/healthcheck", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"ok"}`)
	})
	fmt.Println("http://" + listener.Addr().String())
	http.Serve(listener, nil)
}
"""
PATH = "/api/v1/healthcheck"
KEYED_PATH = f"{PATH}?key={{uuid}}"
CONCURRENCIES = (16, 100)
MIN_OF_HEY = 0.9
MIN_OF_HTTPX = 10.0

Contender = Callable[[str, int], float]
"""Sends so many requests to the origin; returns requests per second."""


def main() -> int:
    """Run the comparison; return 1 if ``--check`` is given and a figure is not reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each contender (default %(default)s)")
    parser.add_argument("--requests", type=int, default=20_000, help="per measurement (default %(default)s)")
    parser.add_argument("--httpx-requests", type=int, default=1_500, help="the same for httpx (default %(default)s)")
    parser.add_argument("--hey", default="hey", help="name or path of hey (default %(default)s)")
    parser.add_argument("--check", action="store_true", help="fail if a figure is not reached")
    arguments = parser.parse_args()
    reached = True
    with _service() as origin:
        for concurrency in CONCURRENCIES:
            contenders = _contenders(concurrency, arguments.hey)
            rates: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(arguments.rounds):
                for name, contender in contenders.items():
                    requests = arguments.httpx_requests if "httpx" in name else arguments.requests
                    rates[name].append(contender(origin, requests))
            reached &= _show(concurrency, rates)
    return 0 if reached or not arguments.check else 1


def _contenders(concurrency: int, hey: str) -> dict[str, Contender]:
    return {
        "builtin": lambda origin, requests: _builtin(origin, requests, concurrency, PATH),
        "builtin, {uuid} in path": lambda origin, requests: _builtin(
            origin, requests, concurrency, f"{PATH}?k={{uuid}}"
        ),
        "hey": lambda origin, requests: _hey(origin, requests, concurrency, hey),
        "httpx, one thread": _httpx,
        f"httpx, {concurrency} threads": lambda origin, requests: _httpx_threads(origin, requests, concurrency),
    }


def _job(origin: str, requests: int, concurrency: int, path: str) -> LoadJob:
    endpoint = Endpoint(name="health check", path=path, load=LoadPlan(concurrency=concurrency))
    return LoadJob(endpoint=endpoint, base_url=origin, requests=requests, concurrency=concurrency)


def _builtin(origin: str, requests: int, concurrency: int, path: str) -> float:
    started = time.perf_counter()
    result = BuiltinDriver().run(_job(origin, requests, concurrency, path))
    assert result.status_codes == {200: requests}, result
    return requests / (time.perf_counter() - started)


def _hey(origin: str, requests: int, concurrency: int, executable: str) -> float:
    result = HeyDriver(executable).run(_job(origin, requests, concurrency, PATH))
    assert result.status_codes == {200: requests}, result
    return result.rate


def _httpx(origin: str, requests: int) -> float:
    with httpx.Client(base_url=origin, trust_env=False) as client:
        started = time.perf_counter()
        for _ in range(requests):
            client.get(PATH).raise_for_status()
        return requests / (time.perf_counter() - started)


def _httpx_threads(origin: str, requests: int, concurrency: int) -> float:
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    with (
        httpx.Client(base_url=origin, trust_env=False, limits=limits, timeout=60) as client,
        ThreadPoolExecutor(concurrency) as threads,
    ):
        started = time.perf_counter()
        for answer in threads.map(lambda _: client.get(PATH), range(requests)):
            answer.raise_for_status()
        return requests / (time.perf_counter() - started)


def _show(concurrency: int, rates: dict[str, list[float]]) -> bool:
    """Print the medians of one concurrency; return whether both figures are reached."""
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ours = medians["builtin"]
    print(f"concurrency {concurrency}")
    print(f"  {'contender':26}{'requests/s':>12}{'least':>9}{'most':>9}{'builtin is':>14}")
    for name, values in rates.items():
        ratio = f"{ours / medians[name]:.2f} x"
        print(f"  {name:26}{medians[name]:12,.0f}{min(values):9,.0f}{max(values):9,.0f}{ratio:>14}")
    httpx_best = max(median for name, median in medians.items() if "httpx" in name)
    return ours >= MIN_OF_HEY * medians["hey"] and ours >= MIN_OF_HTTPX * httpx_best


@contextmanager
def _service() -> Iterator[str]:
    """Build and run the health check; give its origin."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "main.go"), Path(folder, "service")
        source.write_text(SERVICE)
        subprocess.run(["go", "build", "-o", str(program), str(source)], check=True)
        with subprocess.Popen([str(program)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.kill()


if __name__ == "__main__":
    sys.exit(main())
