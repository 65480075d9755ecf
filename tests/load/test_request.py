from __future__ import annotations

from typing import Any

import pytest

from pytest_goleak import __version__
from pytest_goleak.load.request import RequestSource, has_placeholders, job_random
from pytest_goleak.model.errors import LoadDriverError
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob


def source(base_url: str = "http://h:1", *, first_number: int = 0, seed: int = 1, **endpoint: Any) -> RequestSource:
    return RequestSource(
        LoadJob(
            endpoint=Endpoint(name="x", **endpoint),
            base_url=base_url,
            requests=1,
            concurrency=1,
            first_number=first_number,
            seed=seed,
        )
    )


def test_constant_requests_share_every_part() -> None:
    requests = source(path="/a", method="POST", headers={"A": "b"}, body="c")
    assert requests.is_constant
    first, second = requests.take(), requests.take()
    assert (first.method, first.url, first.body) == (b"POST", b"http://h:1/a", b"c")
    assert first.headers == (b"A: b", f"User-Agent: pytest-goleak/{__version__}".encode())
    assert first.url is second.url
    assert first.headers is second.headers


def test_every_part_expands() -> None:
    requests = source(path="/{n}", method="{choice:PUT}", headers={"A": "{n}", "B": "b"}, body="{n}", first_number=5)
    assert not requests.is_constant
    assert [requests.take().url for _ in range(2)] == [b"http://h:1/5", b"http://h:1/6"]
    request = requests.take()
    assert request.method == b"PUT"
    assert request.headers[:2] == (b"A: 7", b"B: b")
    assert request.body == b"7"


def test_jobs_of_one_run_have_other_uuids_and_a_rerun_the_same() -> None:
    first = source(path="/{uuid}", first_number=0).take().url
    assert source(path="/{uuid}", first_number=100).take().url != first
    assert source(path="/{uuid}", first_number=0).take().url == first
    assert source(path="/{uuid}", first_number=0, seed=2).take().url != first


@pytest.mark.parametrize(
    ("base_url", "path", "url"),
    [
        ("http://h:1", "/a", b"http://h:1/a"),
        ("http://h:1/", "a", b"http://h:1/a"),
        ("http://h:1/api", "/a?b=c", b"http://h:1/api/a?b=c"),
        ("http://h:1", "?b=c", b"http://h:1/?b=c"),
        ("http://h:1", "HTTPS://other/x/{n}", b"HTTPS://other/x/0"),
    ],
)
def test_paths_join_the_base_url_and_full_urls_stay(base_url: str, path: str, url: bytes) -> None:
    assert source(base_url, path=path).take().url == url


def test_users_own_user_agent_wins_and_an_empty_header_is_sent() -> None:
    headers = source(headers={"user-agent": "mine", "X-Empty": ""}).take().headers
    assert headers == (b"user-agent: mine", b"X-Empty;")


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ({"path": "ftp://h/x"}, "'ftp://h/x' has the scheme ftp; expected http or https"),
        ({"method": "GET /"}, "'GET /' is not an HTTP method"),
        ({"headers": {"a b": "c"}}, "'a b' is not a header name"),
        ({"path": "/{random:5,1}"}, r"the endpoint's path: \{random:5,1\} is an empty range"),
        ({"body": "{choice:}"}, r"the endpoint's body: \{choice:\} has nothing"),
    ],
)
def test_what_http_can_not_send_is_refused(endpoint: dict[str, Any], message: str) -> None:
    with pytest.raises(LoadDriverError, match=message):
        source(**endpoint)


def test_base_url_without_scheme_is_refused() -> None:
    with pytest.raises(LoadDriverError, match="'localhost:1/' is not a URL; expected for example http://"):
        source("localhost:1")


def test_line_breaks_in_a_header_are_refused_without_showing_the_value() -> None:
    with pytest.raises(LoadDriverError, match="header 'X-Key' has a line break") as caught:
        source(headers={"X-Key": "s3cret\r\nEvil: 1"})
    assert "s3cret" not in str(caught.value)


def test_placeholders_are_found_in_every_part() -> None:
    assert not has_placeholders(Endpoint(name="x", path="/{id}", body="{}"))
    for part in ({"path": "/{n}"}, {"method": "{choice:GET}"}, {"headers": {"A": "{n}"}}, {"body": "{uuid}"}):
        assert has_placeholders(Endpoint(name="x", **part))


def test_random_numbers_of_a_job_are_reproducible() -> None:
    job = LoadJob(endpoint=Endpoint(name="x"), base_url="http://h", requests=1, concurrency=1)
    assert job_random(job).random() == job_random(job).random()
