from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.load.hey import HeyDriver, build_argv, parse_output, split_requests
from pytest_goleak.load.request import RequestSource
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.plan import ClientMode, Endpoint, LoadPlan
from pytest_goleak.model.protocols import LoadDriver, LoadJob
from tests.load.conftest import Service

ANSWERED = """
Summary:
  Total:\t1.0034 secs
  Slowest:\t0.0026 secs
  Fastest:\t0.0003 secs
  Average:\t0.0008 secs
  Requests/sec:\t1745.9111
\x20\x20
  Total data:\t90 bytes
  Size/request:\t15 bytes

Response time histogram:
  0.000 [1]\t|■■■■
  0.003 [1]\t|■■■■

Latency distribution:
  10%% in 0.0004 secs
  0%% in 0.0000 secs

Details (average, fastest, slowest):
  DNS+dialup:\t0.0002 secs, 0.0000 secs, 0.0013 secs

Status code distribution:
  [200]\t6 responses
  [503]\t12 responses



"""

REFUSED = """
Summary:
  Total:\t0.0013 secs
  Slowest:\t0.0000 secs
  Fastest:\t0.0000 secs
  Average:\t NaN secs
  Requests/sec:\t4497.3870


Response time histogram:

Latency distribution:

Details (average, fastest, slowest):
  DNS+dialup:\t NaN secs, 0.0000 secs, 0.0000 secs

Status code distribution:

Error distribution:
  [6]\tGet "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused

"""

MIXED = """
Summary:
  Total:\t2.5000 secs
  Average:\t0.5000 secs

Status code distribution:
  [204]\t3 responses

Error distribution:
  [1]\tPost "http://127.0.0.1:80/x": read tcp 127.0.0.1:55310->127.0.0.1:80: read: connection reset by peer
  [2]\tPost "http://127.0.0.1:80/x": read tcp 127.0.0.1:55312->127.0.0.1:80: read: connection reset by peer
  [4]\tPost "http://127.0.0.1:80/x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)
  [1]\tPost "http://127.0.0.1:80/x": EOF

"""


def argv(requests: int = 10, concurrency: int = 2, *, longest_s: float = 60.0, **endpoint: Any) -> list[str]:
    job = LoadJob(
        endpoint=Endpoint(name="x", **endpoint), base_url="http://h:1", requests=requests, concurrency=concurrency
    )
    request = RequestSource(job).take()
    return build_argv("hey", request, job.endpoint, requests, concurrency, longest_s=longest_s)


def run(service: Service, hey: str, path: str = "/ok", **settings: Any) -> Any:
    driver: LoadDriver = HeyDriver(hey)
    return driver.run(service.job(path, **settings))


def test_statuses_and_times_are_read() -> None:
    summary = parse_output(ANSWERED)
    assert (summary.total_s, summary.average_s) == (1.0034, 0.0008)
    assert summary.status_codes == {200: 6, 503: 12}
    assert summary.errors == {}


def test_run_without_answers_has_no_average() -> None:
    summary = parse_output(REFUSED)
    assert (summary.average_s, summary.status_codes) == (0.0, {})
    assert summary.errors == {"dial tcp 127.0.0.1:1: connect: connection refused": 6}


def test_errors_that_differ_by_port_are_one() -> None:
    summary = parse_output(MIXED)
    assert summary.status_codes == {204: 3}
    assert summary.errors == {
        "read tcp 127.0.0.1:80: read: connection reset by peer": 3,
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)": 4,
        "EOF": 1,
    }


def test_output_that_was_cut_off_is_empty() -> None:
    assert parse_output("").status_codes == {}
    assert parse_output("\nSummary:\n  Total").total_s == 0.0


def test_command_line_of_a_plain_get() -> None:
    words = argv(path="/a?b=c")
    assert words[:7] == ["hey", "-n", "10", "-c", "2", "-t", "30"]
    assert words[7:11] == ["-m", "GET", "-disable-redirects", "-disable-compression"]
    assert words[11] == "-H"
    assert words[12].startswith("User-Agent: pytest-goleak/")
    assert words[13:] == ["-T", "", "http://h:1/a?b=c"]


def test_command_line_with_everything() -> None:
    words = argv(
        path="/é",
        method="PUT",
        body='{"a": 1}',
        headers={"Content-Type": "application/json", "Host": "other", "X-A": "b: c", "User-Agent": "me"},
        load=LoadPlan(keep_alive=False, timeout_s=0.5),
    )
    assert words[5:7] == ["-t", "1"]
    assert words[7:] == [
        *("-m", "PUT", "-disable-redirects", "-disable-compression", "-disable-keepalive"),
        *("-host", "other", "-H", "X-A: b: c", "-H", "User-Agent: me"),
        *("-T", "application/json", "-d", '{"a": 1}', "http://h:1/%C3%A9"),
    ]


def test_no_request_waits_longer_than_the_job() -> None:
    assert argv(longest_s=2.2)[5:7] == ["-t", "3"]


@given(st.integers(0, 3_000_000), st.integers(1, 2_000))
def test_runs_add_up_and_hey_drops_no_remainder(requests: int, concurrency: int) -> None:
    runs = list(split_requests(requests, concurrency))
    assert sum(run for run, _ in runs) == requests
    for run, workers in runs:
        assert run % workers == 0
        assert 1 <= workers <= concurrency
        assert run <= 1_000_000
    assert len(runs) <= 2 + requests // 900_000


def test_impossible_jobs_are_refused(service: Service, hey: str) -> None:
    with pytest.raises(LoadDriverError, match="5 requests at concurrency 0 can't be sent"):
        run(service, hey, requests=5, concurrency=0)


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ({"mode": ClientMode.ABORT}, "hey reads every answer to its end; for mode 'abort' use the built-in driver"),
        ({"path": "/{n}"}, "the same request again and again; for {uuid}, {n} and the like use the built-in driver"),
        ({"headers": {"X": "{uuid}"}}, "the same request again and again"),
        ({"body": "{choice:a,b}"}, "the same request again and again"),
        ({"body": "x" * 200_000}, "bodies of up to 102400 bytes"),
        ({"method": "HEAD", "body": "x"}, "a HEAD request has no body"),
        ({"headers": {"X-Empty": ""}}, "can't send the header 'X-Empty'"),
        ({"headers": {"X!": "a"}}, "can't send the header 'X!'"),
        ({"path": "ws://h/"}, "has the scheme ws; expected http or https"),
    ],
)
def test_unsupported_says_why_and_what_to_use(endpoint: dict[str, Any], reason: str) -> None:
    assert reason in str(HeyDriver().unsupported(Endpoint(name="x", **endpoint)))


def test_supported() -> None:
    endpoint = Endpoint(name="x", path="/{id}", body='{"a": {}}', headers={"X-A": "b"}, method="POST")
    assert HeyDriver().unsupported(endpoint) is None


def test_missing_hey_says_how_to_install_it(service: Service) -> None:
    with pytest.raises(
        LoadDriverError, match=r"'no-such-hey' is neither in PATH .* `go install github.com/rakyll/hey@"
    ):
        HeyDriver("no-such-hey").run(service.job())


def test_unix_socket_is_refused(service: Service, hey: str) -> None:
    with pytest.raises(LoadDriverError, match="can't connect to a unix socket"):
        run(service, hey, socket=service.socket)


@pytest.mark.parametrize(("requests", "concurrency"), [(10, 3), (2, 16), (1000, 16), (1, 1)])
def test_exactly_the_planned_requests_arrive(service: Service, hey: str, requests: int, concurrency: int) -> None:
    told: list[int] = []
    result = HeyDriver(hey).run(service.job(requests=requests, concurrency=concurrency), told.append)
    assert (result.planned, result.completed, result.unexpected) == (requests, requests, 0)
    assert result.status_codes == {200: requests}
    assert result.rate > 0
    assert told[-1] == requests
    stats = service.wait_for(lambda stats: stats["open"] == 0, within_s=0.5)
    assert stats["requests"] == {"GET /ok": requests}
    assert stats["open"] == 0


def test_request_arrives_as_planned(service: Service, hey: str) -> None:
    run(service, hey, "/echo?a=1", method="PUT", body="{b}", headers={"Content-Type": "text/x", "X-One": "1"})
    seen = service.stats()["echo"]
    assert (seen["method"], seen["uri"], seen["body"]) == ("PUT", "/echo?a=1", "{b}")
    assert seen["headers"]["Content-Type"] == ["text/x"]
    assert seen["headers"]["X-One"] == ["1"]
    assert "Accept-Encoding" not in seen["headers"]


def test_redirects_and_bad_statuses_are_counted(service: Service, hey: str) -> None:
    assert run(service, hey, "/redirect", requests=4).status_codes == {302: 4}
    result = run(service, hey, "/status/500", requests=4)
    assert (result.completed, result.unexpected) == (4, 4)


def test_without_keep_alive_each_request_has_its_own_connection(service: Service, hey: str) -> None:
    run(service, hey, requests=20, concurrency=4, keep_alive=False)
    assert service.stats()["connections"] == 20


def test_deadline_interrupts_hey_and_counts_what_it_did(service: Service, hey: str) -> None:
    result = run(service, hey, "/slow?ms=100", requests=10_000, concurrency=2, deadline_s=1)
    assert 4 <= result.completed <= 40
    assert result.errors == {"not answered by the deadline of 1 s": 10_000 - result.completed}
    assert service.wait_for(lambda stats: stats["open"] == 0, within_s=1)["open"] == 0


def test_errors_are_counted(service: Service, hey: str) -> None:
    result = run(service, hey, "/drop", requests=10, concurrency=2)
    assert result.completed == 0
    assert result.errors == {"EOF": 10}


def test_failing_hey_shows_what_it_said(service: Service, tmp_path: Path) -> None:
    program = tmp_path / "hey"
    program.write_text("#!/bin/sh\necho 'bad flag' >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(LoadDriverError, match="hey failed with exit status 2: bad flag"):
        HeyDriver(str(program)).run(service.job())


def test_hey_of_the_fixture_is_hey(hey: str) -> None:
    done = subprocess.run([hey, "-h"], capture_output=True, text=True, check=False)
    assert "-disable-redirects" in done.stderr
