"""The driver for hey (https://github.com/rakyll/hey): argv, its summary read back, exact numbers nevertheless."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pytest_goleak.load.command import find_executable, run_command
from pytest_goleak.load.request import Request, RequestSource, check_amount, has_placeholders, unsupported_scheme
from pytest_goleak.load.tally import Tally, describe_unanswered
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.observation import LoadResult
from pytest_goleak.model.plan import ClientMode, Endpoint
from pytest_goleak.model.protocols import LoadJob

__all__ = ["INSTALL", "HeyDriver", "HeySummary", "build_argv", "parse_output", "split_requests"]

INSTALL = "go install github.com/rakyll/hey@latest"

# hey counts statuses of its first million answers only (`maxRes` in requester/report.go).
_MAX_REQUESTS_PER_RUN = 1_000_000
# Linux takes at most 128 KiB in one argument.
_MAX_BODY_BYTES = 100 * 1024
# What hey's -H accepts (`headerRegexp` in hey.go).
_HEADER = re.compile(r"[\w-]+")

_SECONDS = re.compile(r"^  (Total|Average):\t *(\S+) secs", re.MULTILINE)
_STATUS = re.compile(r"^  \[(\d+)\]\t(\d+) responses$", re.MULTILINE)
_ERROR = re.compile(r"^  \[(\d+)\]\t(?!\d+ responses$)(.+)$", re.MULTILINE)
# `Get "http://…": read tcp 127.0.0.1:55310->127.0.0.1:8080: …`: what differs from request to request.
_ERROR_NOISE = re.compile(r"^[A-Za-z]+ \"[^\"]*\": |\S+:\d+->")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeySummary:
    """What hey prints at its end."""

    total_s: float = 0.0
    average_s: float = 0.0
    """Mean time of the answered requests."""
    status_codes: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


class HeyDriver:
    """Runs hey; it follows no redirects and decodes nothing here, as the built-in driver.

    Its time-outs are whole seconds (rounded up), its user agent ends in ``hey/0.0.1``, and it sends an empty
    ``Content-Type`` where the endpoint has none. It reports no progress but at the end of each of its runs.

    Args:
        executable: Name or path of hey.

    """

    name = "hey"

    def __init__(self, executable: str = "hey") -> None:
        self._executable = executable

    def unsupported(self, endpoint: Endpoint) -> str | None:
        """Return why hey can't drive *endpoint*, or ``None`` if it can; unix sockets are refused by :meth:`run`."""
        if endpoint.mode is not ClientMode.NORMAL:
            return f"hey reads every answer to its end; for mode {endpoint.mode.value!r} use the built-in driver"
        if has_placeholders(endpoint):
            return "hey sends the same request again and again; for {uuid}, {n} and the like use the built-in driver"
        if len((endpoint.body or "").encode()) > _MAX_BODY_BYTES:
            return f"hey takes bodies of up to {_MAX_BODY_BYTES} bytes; for larger ones use the built-in driver"
        if endpoint.method == "HEAD" and endpoint.body is not None:
            return "a HEAD request has no body; remove the body, or use another method"
        for name, value in endpoint.headers.items():
            if not _HEADER.fullmatch(name) or not value.strip():
                return f"hey can't send the header {name!r} (an empty value, or a name with signs); use another driver"
        return unsupported_scheme(endpoint.path)

    def run(self, job: LoadJob, on_progress: Callable[[int], None] | None = None) -> LoadResult:
        """Run hey until the job's requests are sent; its connections end with its process.

        Raises:
            LoadDriverError: hey is not installed, fails, or can't drive this job.

        """
        check_amount(job)
        if job.socket is not None:
            raise LoadDriverError('hey can\'t connect to a unix socket; use the built-in driver: driver = "builtin"')
        if problem := self.unsupported(job.endpoint):
            raise LoadDriverError(problem)
        executable = find_executable(self._executable, install=INSTALL)
        request = RequestSource(job).take()
        tally = Tally()
        started_s = time.monotonic()
        driven_s = 0.0
        for requests, concurrency in split_requests(job.requests, job.concurrency):
            left_s = job.deadline_s - (time.monotonic() - started_s)
            if left_s <= 0:
                break
            argv = build_argv(executable, request, job.endpoint, requests, concurrency, longest_s=left_s)
            summary = parse_output(run_command(argv, timeout_s=left_s).stdout)
            driven_s += summary.total_s
            _count(tally, summary)
            if on_progress:
                on_progress(tally.finished)
        tally.add_rest(job, describe_unanswered(job))
        return tally.result(job, driven_s or time.monotonic() - started_s)


def split_requests(requests: int, concurrency: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of hey, as requests and concurrency, that add up to exactly *requests*.

    hey gives each of its workers the same number of requests and drops the remainder: the remainder gets a run of
    its own, with fewer workers.
    """
    largest = max(1, _MAX_REQUESTS_PER_RUN // concurrency) * concurrency
    while requests:
        workers = min(concurrency, requests)
        run = min(largest, requests // workers * workers)
        yield run, workers
        requests -= run


def build_argv(
    executable: str, request: Request, endpoint: Endpoint, requests: int, concurrency: int, *, longest_s: float
) -> list[str]:
    """Return the command line of one run; no request waits longer than *longest_s* seconds for its answer."""
    timeout_s = math.ceil(min(endpoint.load.timeout_s, longest_s))
    argv = [executable, "-n", str(requests), "-c", str(concurrency), "-t", str(timeout_s)]
    argv += ["-m", request.method.decode(), "-disable-redirects", "-disable-compression"]
    if not endpoint.load.keep_alive:
        argv.append("-disable-keepalive")
    content_type = ""
    for line in request.headers:
        name, _, value = line.decode().partition(": ")
        match name.lower():
            case "content-type":
                content_type = value
            case "host":  # Go ignores it among the headers
                argv += ["-host", value]
            case _:
                argv += ["-H", f"{name}: {value}"]
    argv += ["-T", content_type]
    if request.body:
        argv += ["-d", request.body.decode()]
    return [*argv, request.url.decode()]


def parse_output(text: str) -> HeySummary:
    """Read hey's summary; what it does not say (a run without answers, or cut off) is 0 or empty."""
    seconds = {name: float(value) for name, value in _SECONDS.findall(text)}
    average_s = seconds.get("Average", 0.0)
    errors: dict[str, int] = {}
    for count, message in _ERROR.findall(text.partition("Error distribution:")[2]):
        plain = _ERROR_NOISE.sub("", message)
        errors[plain] = errors.get(plain, 0) + int(count)
    return HeySummary(
        total_s=seconds.get("Total", 0.0),
        average_s=0.0 if math.isnan(average_s) else average_s,  # hey divides by the number of answers
        status_codes={int(status): int(count) for status, count in _STATUS.findall(text)},
        errors=errors,
    )


def _count(tally: Tally, summary: HeySummary) -> None:
    for status, count in summary.status_codes.items():
        tally.add_answer(status, summary.average_s, count)
    for message, count in summary.errors.items():
        tally.add_error(message, count)
