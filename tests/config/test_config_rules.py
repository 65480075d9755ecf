"""Combinations that can't be meant."""

from __future__ import annotations

import pytest

from tests.config.settings import URL, complaint, complaints, plan_of

TOKEN = '[auth]\ntoken_env = "T"\n'


@pytest.mark.parametrize(
    ("toml", "key", "text"),
    [
        ('[target]\nbuild = ["make"]\n', "target.build", "build needs command, the program to start after it"),
        (
            URL + 'env = { A = "x" }\n',
            "target.env",
            "only a service that we start can have it; add command, or remove it",
        ),
        (URL + "memprofilerate = 1\n", "target.memprofilerate", "only a service that we start"),
        (URL + 'cwd = "x"\n', "target.cwd", "only a service that we start"),
        (URL + 'build_timeout = "1s"\n', "target.build_timeout", "nothing is built"),
        ('[target]\nurl = "http://h:{port}"\n', "target.url", "{port} is the free port that we give to command"),
        (
            URL + 'pprof = "http://127.0.0.1:{port}/p"\n',
            "target.pprof",
            "{port} is the free port that we give to command",
        ),
        ('[target]\nurl = "http://h"\ncommand = ["a"]\n', "target.url", "expected the port on which command listens"),
        (
            '[target]\nurl = "http://h:{port}"\ncommand = ["a"]\n',
            "target.command",
            "neither command nor env has {port}",
        ),
        ('[target]\ncommand = ["a"]\n', "target.command", "neither command nor env has {port}"),
        (
            TOKEN + 'header = "A"\nquery = "b"\n',
            "auth.query",
            "the token is sent in one way; keep one of header and query",
        ),
        (
            TOKEN + 'header = "A"\nbasic = "b"\n',
            "auth.basic",
            "the token is sent in one way; keep one of header and basic",
        ),
        (TOKEN + 'scheme = "A"\nbasic = "b"\n', "auth.scheme", "basic has no place for it"),
        (TOKEN + 'scheme = "A"\nquery = "b"\n', "auth.scheme", "query has no place for it"),
        (TOKEN + 'token_file = "f"\n', "auth.token_file", "there is one token; keep one of token_env and token_file"),
        (
            '[auth]\nheader = "A"\n',
            "auth.header",
            "there is no token to send; add token_env, token_file, token_json or token_command",
        ),
        ('[auth]\nscheme = "A"\n', "auth.scheme", "there is no token to send"),
        ('[auth]\nkey = "k.pem"\n', "auth.key", "key belongs to a client certificate; add cert"),
        ("[[endpoints]]\n", "endpoints[0].path", "missing; expected a path"),
        (
            '[[endpoints]]\npath = "/x"\nbody = ""\nform = {}\n',
            "endpoints[0].form",
            "a request has one body; keep one of body and form",
        ),
        ('[[endpoints]]\npath = "/x"\n' * 2, "endpoints[1].name", "another endpoint has this name already"),
        (
            '[[endpoints]]\npath = "/x"\n[[endpoints]]\npath = "/y"\nname = "GET /x"\n',
            "endpoints[1].name",
            "another endpoint has this name already",
        ),
        ('[[ignore]]\nreason = "r"\n', "ignore[0]", "matches nothing; expected at least one of function, top_function"),
        ('[[ignore]]\nfunction = "f"\n', "ignore[0].reason", "missing; expected why this leak is accepted"),
        (
            '[measure]\nbudget = "8s"\nidle = "8s"\n',
            "measure.budget",
            "expected more than idle, the wait for memory to drain (8.0 s)",
        ),
        (
            '[measure]\nidle = "30s"\n',
            "measure.idle",
            "expected less than budget, the whole time of an endpoint (30 s)",
        ),
        ('[[endpoints]]\npath = "/x"\nidle = "40s"\n', "endpoints[0].idle", "expected less than budget"),
        (
            '[measure]\nidle = "20s"\n[[endpoints]]\npath = "/x"\nbudget = "10s"\n',
            "endpoints[0].budget",
            "expected more than idle, the wait for memory to drain (20 s)",
        ),
    ],
)
def test_refused(toml, key, text):
    line = complaint(toml)
    assert line.startswith((f"goleak.toml: {key}:", f"goleak.toml: {key} ="))
    assert text in line


@pytest.mark.parametrize(
    "toml",
    [
        "",
        '[target]\ncommand = ["a"]\nenv = { PORT = "{port}" }\n',
        '[target]\nurl = "http://h:81"\ncommand = ["a"]\n',
        '[target]\nsocket = "s"\ncommand = ["a"]\n',
        '[target]\nurl = "http://h"\nsocket = "s"\ncommand = ["a"]\n',
        '[target]\nurl = "http://h:{port}"\ncommand = ["a", "{port}"]\npprof = "http://h:{port}/p"\n',
        '[[endpoints]]\npath = "/x"\n[[endpoints]]\npath = "/x"\nmethod = "POST"\n[[endpoints]]\npath = "/x"\nname = "z"\n',
        '[measure]\nbudget = "3s"\nidle = "2s"\n[[endpoints]]\npath = "/x"\nbudget = "2.5s"\n',
        '[[endpoints]]\npath = "https://anywhere.example/x"\n',  # no target yet: a fixture may bring it
    ],
)
def test_accepted(toml):
    plan_of(toml)


@pytest.mark.parametrize(
    ("target", "host", "is_allowed"),
    [
        ('url = "http://127.0.0.1:1"', "127.0.0.1:2", True),
        ('url = "http://127.0.0.1:1"', "localhost", True),
        ('url = "http://127.0.0.1:1"', "[::1]:9", True),
        ('url = "http://127.0.0.1:1"', "example.com", False),
        ('url = "http://api.example.com"', "API.example.com", True),
        ('url = "http://api.example.com"', "example.com", False),
        ('url = "http://api.example.com"', "localhost", False),
        ('url = "http://api.example.com"\npprof = "http://10.0.0.3:6060/p"', "10.0.0.3", True),
        ('command = ["a", "{port}"]', "localhost:8080", True),
        ('command = ["a", "{port}"]', "example.com", False),
        ('url = "http://api.example.com"', "{choice:api.example.com,evil.example}", False),
    ],
)
def test_hosts_of_full_urls(target, host, is_allowed):
    toml = f'[target]\n{target}\n[[endpoints]]\npath = "http://{host}/x"\n'
    if is_allowed:
        assert plan_of(toml).endpoints[0].path == f"http://{host}/x"
    else:
        assert "another host than the target's; allowed: " in complaint(toml)


def test_host_message():
    line = complaint(URL + '[[endpoints]]\nname = "x"\npath = "https://user.example/x?token=s3cr3t"\n')
    assert line == (
        'goleak.toml: endpoints[0].path = "https://user.example/x?***": another host than the target\'s; allowed:'
        " 127.0.0.1, ::1, localhost. Load goes to the service under test only: give a path, or change target.url"
        ' (endpoint "x")'
    )


def test_one_wrong_type_hides_no_rule():
    lines = complaints(
        '[target]\nbuild = "go build"\n[auth]\nheader = 1\n[measure]\nbudget = "1s"\nidle = "2s"\nseed = "x"\n'
        '[[endpoints]]\npath = 3\n[[endpoints]]\nbody = ""\njson = 1\nmode = "x"\n[[ignore]]\nexpires = 1\n'
    )
    keys = [line.split(": ")[1].split(" ")[0] for line in lines]
    assert keys == [
        "target.build",
        "target.build",
        "auth.header",
        "auth.header",
        "measure.seed",
        "measure.budget",
        "endpoints[0].path",
        "endpoints[1].mode",
        "endpoints[1].path",
        "endpoints[1].body",
        "ignore[0].expires",
        "ignore[0]",
        "ignore[0].reason",
    ]
