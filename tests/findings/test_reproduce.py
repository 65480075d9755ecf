from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.findings.reproduce import reproduce
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.plan import ClientMode, Endpoint, LoadPlan, MeasurePlan

SECRET = 'to ken"$`\\'
RECORD = r"""
record() { for word in "$@"; do printf '%s\0' "$word"; done >> "$OUT"; printf '\n' >> "$OUT"; }
curl() { record curl "$@"; }
hey() { record hey "$@"; }
go() { record go "$@"; }
pytest() { record pytest "$@"; }
sleep() { :; }
"""


def lines(endpoint=None, *, auth=None, requests=3, **more):
    return reproduce(
        endpoint or Endpoint(name="GET /x", path="/x"),
        item_id="test_shop.py::test_cart[a b]",
        base_url="http://127.0.0.1:8080",
        pprof_url="http://127.0.0.1:8080/debug/pprof",
        auth=auth or Auth(),
        requests=requests,
        **more,
    )


def carried_out(script: tuple[str, ...], directory: Path, **environment: str) -> list[list[str]]:
    """Run the lines in bash with commands that write their arguments down, and return those."""
    out = directory / "calls"
    result = subprocess.run(
        ["bash", "-eu", "-c", RECORD + "\n".join(script)],
        env={"PATH": os.environ["PATH"], "OUT": str(out), **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert result.returncode == 0, result.stderr
    return [line.split("\0")[:-1] for line in out.read_text(encoding="utf-8").split("\n") if line]


def test_a_python_function_is_run_by_its_test_on_the_same_service(tmp_path):
    scenario = Endpoint(name="checkout", method="SCENARIO", path="", measure=MeasurePlan(seed=7))
    script = lines(scenario, requests=50_857)
    calls = carried_out(script, tmp_path)

    assert "SCENARIO" not in "".join(script)
    assert [call[0] for call in calls] == ["curl", "curl", "pytest", "curl", "curl", "go", "go"]
    test = ["--goleak", "test_shop.py::test_cart[a b]", "--goleak-seed", "7"]
    assert calls[2][1:] == [*test, "--goleak-url", "http://127.0.0.1:8080"]


def test_a_token_in_a_query_or_a_password_is_one_word_in_quotes():
    assert '--data-urlencode "token=$PPROF_TOKEN"' in "".join(lines(auth=Auth(query="token", token_env="T")))
    assert '-u "admin:$PPROF_TOKEN"' in "".join(lines(auth=Auth(basic="admin", token_env="T")))


def test_profile_load_profile_difference(tmp_path):
    calls = carried_out(lines(), tmp_path)

    assert [call[0] for call in calls] == ["curl", "curl", "hey", "curl", "curl", "go", "go"]
    assert calls[0][-2:] == ["heap_before.pb.gz", "http://127.0.0.1:8080/debug/pprof/heap?gc=1"]
    assert calls[2] == ["hey", "-n", "3", "-c", "3", "-m", "GET", "http://127.0.0.1:8080/x"]
    assert calls[5][-3:] == ["-base", "heap_before.pb.gz", "heap_after.pb.gz"]


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (Auth(header="Authotization", token_env="T"), ["-H", f"Authotization: {SECRET}"]),
        (Auth(token_env="T", scheme="Bearer"), ["-H", f"Authorization: Bearer {SECRET}"]),
        (Auth(token_env="T", query="to$ken"), ["-G", "--data-urlencode", f"to$ken={SECRET}"]),
        (Auth(token_env="T", basic='a"dmin'), ["-u", f'a"dmin:{SECRET}']),
        (Auth(token_file="my token", header="X"), ["-H", f"X: {SECRET}"]),
        (Auth(token_command=("cat", "my token"), header="X"), ["-H", f"X: {SECRET}"]),
    ],
)
def test_the_token_is_sent_as_configured_and_to_pprof_only(auth, sent, tmp_path):
    (tmp_path / "my token").write_text(SECRET, encoding="utf-8")
    calls = carried_out(lines(auth=auth), tmp_path, T=SECRET)

    for call in calls:
        is_fetch = call[0] == "curl"
        assert (call[2 : 2 + len(sent)] == sent) is is_fetch
        assert any(SECRET in word for word in call) is is_fetch


def test_certificates_go_along(tmp_path):
    calls = carried_out(lines(auth=Auth(cert="my cert.pem", key="k", ca="c")), tmp_path)

    assert calls[0][2:8] == ["--cert", "my cert.pem", "--key", "k", "--cacert", "c"]


def test_requests_without_placeholders_go_through_hey(tmp_path):
    endpoint = Endpoint(
        name="x",
        method="POST",
        path="/x?q='a b'",
        headers={"X-A": "it's; $HOME"},
        body='{"a": "`b`"}',
        load=LoadPlan(concurrency=2, keep_alive=False),
    )

    hey = carried_out(lines(endpoint), tmp_path)[2]

    assert hey[1:5] == ["-n", "3", "-c", "2"]
    assert hey[5:] == [
        "-disable-keepalive", "-m", "POST", "-H", "X-A: it's; $HOME", "-d", '{"a": "`b`"}',
        "http://127.0.0.1:8080/x?q='a b'",
    ]  # fmt: skip


def test_placeholders_vary_with_every_request(tmp_path):
    endpoint = Endpoint(
        name="x",
        method="PUT",
        path="/users/{random:5,7}/{choice:a b,c}",
        headers={"X-Request-Id": "{uuid}"},
        body='{"id": {n}, "other": {}}',
    )

    puts = [
        call
        for call in carried_out(
            lines(endpoint),
            tmp_path,
        )
        if "PUT" in call
    ]

    assert len(puts) == 3
    assert len({put[put.index("-H") + 1] for put in puts}) == 3
    assert all(re.fullmatch(r"X-Request-Id: [0-9a-f-]{36}", put[put.index("-H") + 1]) for put in puts)
    assert [json.loads(put[put.index("--data-binary") + 1].replace("{}", "0"))["id"] for put in puts] == [1, 2, 3]
    assert all(re.fullmatch(r"http://127.0.0.1:8080/users/[567]/(a b|c)", put[-1]) for put in puts)


@pytest.mark.parametrize("mode", [mode for mode in ClientMode if mode is not ClientMode.NORMAL])
def test_client_modes_are_explained_and_imitated(mode, tmp_path):
    script = lines(Endpoint(name="x", path="/x", mode=mode))

    assert any(line.startswith("# the leak needs clients") for line in script)
    assert [call[0] for call in carried_out(script, tmp_path)].count("curl") == 4 + 3


def test_sockets_and_full_urls(tmp_path):
    script = lines(Endpoint(name="x", path="http://other.test/x"), socket="/run/my service.sock")
    calls = carried_out(script, tmp_path)

    assert all("/run/my service.sock" in call for call in calls if call[0] == "curl")
    assert calls[2][-1] == "http://other.test/x"


anything = st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"]), max_size=20)


@given(method=st.sampled_from(["GET", "POST"]), path=anything, header=anything, body=anything, query=anything)
def test_every_line_is_words_that_the_shell_takes_as_they_are(method, path, header, body, query):
    endpoint = Endpoint(name="x", method=method, path=path, headers={"X": header}, body=body)
    script = lines(endpoint, auth=Auth(token_env="T", query=query))

    result = subprocess.run(
        ["bash", "-n"], input="\n".join(script), capture_output=True, text=True, check=False, timeout=30
    )

    assert (result.returncode, result.stderr) == (0, "")
