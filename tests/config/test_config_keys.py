"""Every key with a value that it takes and values that it refuses."""

from __future__ import annotations

import pytest

from pytest_goleak.config.schema import Document
from pytest_goleak.model.plan import ClientMode
from tests.config.settings import ROOT, URL, complaint, complaints, plan_of

COMMAND = '[target]\ncommand = ["svc", "{port}"]\n'
ENDPOINT = URL + '[[endpoints]]\npath = "/x"\n'
IGNORE = '[[ignore]]\nfunction = "f"\nreason = "T-1"\n'

VALID = [
    ("", 'target.url = "http://127.0.0.1:8080/"', "target.url", "http://127.0.0.1:8080"),
    ("", 'target.url = "https://api.example.com"', "target.url", "https://api.example.com"),
    ("", 'target.url = "http://[::1]:8080"', "target.url", "http://[::1]:8080"),
    (COMMAND, 'url = "http://127.0.0.1:{port}"', "target.url", "http://127.0.0.1:{port}"),
    (COMMAND, 'build = ["go", "build", ""]', "target.build", ("go", "build", "")),
    ("[target]\n", 'command = ["svc", "-a", ":{port}"]', "target.command", ("svc", "-a", ":{port}")),
    (COMMAND, 'cwd = "service"', "target.cwd", str(ROOT / "service")),
    (COMMAND, "", "target.cwd", str(ROOT)),
    (COMMAND, 'env = { A = "1", B = "" }', "target.env", {"A": "1", "B": ""}),
    (URL, 'ready = "/healthz?full=1"', "target.ready", "/healthz?full=1"),
    (URL, 'pprof = "/pprof/"', "target.pprof", "/pprof"),
    (URL, 'pprof = "http://127.0.0.1:6060/debug/pprof/"', "target.pprof", "http://127.0.0.1:6060/debug/pprof"),
    (COMMAND, "memprofilerate = 1", "target.memprofilerate", 1),
    (URL, 'source_root = "../service"', "target.source_root", str(ROOT / "../service")),
    (URL, "", "target.source_root", None),
    (URL, 'socket = "run/s.sock"', "target.socket", str(ROOT / "run/s.sock")),
    (COMMAND, 'socket = "{tmp}/s.sock"', "target.socket", "{tmp}/s.sock"),
    ("[target]\n", 'socket = "/run/s.sock"', "target.url", "http://localhost"),
    (COMMAND, 'startup_timeout = "1m30s"', "target.startup_timeout_s", 90.0),
    (COMMAND, 'build = ["make"]\nbuild_timeout = 90', "target.build_timeout_s", 90.0),
    (URL, 'timeout = "500ms"', "target.timeout_s", 0.5),
    (URL, 'max_response = "256MiB"', "target.max_response_bytes", 256 * 1024 * 1024),
    (URL, "max_response = 1000", "target.max_response_bytes", 1000),
    ("[auth]\n", 'token_env = "T"\nheader = "Authotization"', "auth.header", "Authotization"),
    ("[auth]\n", 'token_env = "T"', "auth.header", "Authorization"),
    ("[auth]\n", 'token_env = "T"\nscheme = "Bearer"', "auth.scheme", "Bearer"),
    ("[auth]\n", 'token_env = "T"\nquery = "token"', "auth.query", "token"),
    ("[auth]\n", 'token_env = "T"\nquery = "token"', "auth.header", None),
    ("[auth]\n", 'token_env = "T"\nbasic = "user"', "auth.basic", "user"),
    ("[auth]\n", 'token_env = "PPROF_TOKEN"', "auth.token_env", "PPROF_TOKEN"),
    ("[auth]\n", 'token_file = "t.txt"', "auth.token_file", str(ROOT / "t.txt")),
    ("[auth]\n", 'token_file = "/run/t"', "auth.token_file", "/run/t"),
    (
        "[auth]\n",
        'token_json = "env.json:pprof.static_token"',
        "auth.token_json",
        f"{ROOT}/env.json:pprof.static_token",
    ),
    ("[auth]\n", 'token_command = ["vault", "x"]', "auth.token_command", ("vault", "x")),
    ("[auth]\n", 'token_command = ["./token.sh", "a/b"]', "auth.token_command", (f"{ROOT}/token.sh", "a/b")),
    ("[auth]\n", 'cert = "c.pem"\nkey = "k.pem"', "auth.key", str(ROOT / "k.pem")),
    ("[auth]\n", 'cert = "c.pem"', "auth.cert", str(ROOT / "c.pem")),
    ("[auth]\n", 'ca = "ca.pem"', "auth.ca", str(ROOT / "ca.pem")),
    ("[load]\n", 'driver = "hey"', "load.driver", "hey"),
    ("[load]\n", "concurrency = 10000", "load.concurrency", 10_000),
    ("[load]\n", "concurrency = 16", "load.is_fixed", True),
    ("", "", "load.is_fixed", False),
    ("[load]\n", "keep_alive = false", "load.keep_alive", False),
    ("[load]\n", 'timeout = "5s"', "load.timeout_s", 5.0),
    ("[measure]\n", 'budget = "1m"', "measure.budget_s", 60.0),
    ("[measure]\n", 'idle = "2s"', "measure.idle_s", 2.0),
    ("[measure]\n", "tolerance = { bytes = 64 }", "measure.tolerance.bytes", 64.0),
    ("[measure]\n", "tolerance = { bytes = 64 }", "measure.tolerance.objects", 0.1),
    ("[measure]\n", "tolerance = { objects = 0.5 }", "measure.tolerance.objects", 0.5),
    ("[measure]\n", "tolerance = { goroutines = 1.0 }", "measure.tolerance.goroutines", 1.0),
    ("[measure]\n", "seed = 0", "measure.seed", 0),
    (ENDPOINT, "", "endpoints.0.name", "GET /x"),
    (ENDPOINT, 'method = "post"', "endpoints.0.name", "POST /x"),
    (ENDPOINT, 'method = "post"', "endpoints.0.method", "POST"),
    (ENDPOINT, 'method = "{choice:GET,POST}"', "endpoints.0.method", "{choice:GET,POST}"),
    (ENDPOINT, 'method = "purge"', "endpoints.0.method", "purge"),
    (URL, '[[endpoints]]\npath = "/x/{n}?a={random:1,5}"', "endpoints.0.path", "/x/{n}?a={random:1,5}"),
    (URL, '[[endpoints]]\npath = "/x/{choice:a b,c}"', "endpoints.0.path", "/x/{choice:a b,c}"),
    (URL, '[[endpoints]]\npath = "http://localhost:9/x"', "endpoints.0.path", "http://localhost:9/x"),
    (ENDPOINT, 'name = "a name"', "endpoints.0.name", "a name"),
    (ENDPOINT, 'headers = { "X-Id" = "{uuid}" }', "endpoints.0.headers", {"X-Id": "{uuid}"}),
    (ENDPOINT, 'body = "b"', "endpoints.0.body", "b"),
    (ENDPOINT, 'body = "b"', "endpoints.0.headers", {}),
    (
        ENDPOINT,
        'json = { name = "{uuid}", n = [1, 2.5, true], "é" = "{x}" }',
        "endpoints.0.body",
        '{"name":"{uuid}","n":[1,2.5,true],"é":"{x}"}',
    ),
    (ENDPOINT, "json = []", "endpoints.0.body", "[]"),
    (ENDPOINT, "json = {}", "endpoints.0.headers", {"Content-Type": "application/json"}),
    (ENDPOINT, 'json = {}\nheaders = { content-type = "a/b" }', "endpoints.0.headers", {"content-type": "a/b"}),
    (
        ENDPOINT,
        'form = { a = "{uuid}", "b c" = "x&{n}={y}", d = true, e = 1 }',
        "endpoints.0.body",
        "a={uuid}&b+c=x%26{n}%3D%7By%7D&d=true&e=1",
    ),
    (ENDPOINT, 'form = { a = "{choice:a b,c&d}{random:1,9}" }', "endpoints.0.body", "a={choice:a+b,c%26d}{random:1,9}"),
    (ENDPOINT, "form = {}", "endpoints.0.headers", {"Content-Type": "application/x-www-form-urlencoded"}),
    (ENDPOINT, 'expect = [201, "404", "5XX"]', "endpoints.0.expect", ("201", "404", "5xx")),
    (ENDPOINT, "", "endpoints.0.expect", ("2xx", "3xx")),
    (ENDPOINT, 'mode = "slow_reader"', "endpoints.0.mode", ClientMode.SLOW_READER),
    (ENDPOINT, 'xfail = "T-2"', "endpoints.0.xfail", "T-2"),
    (ENDPOINT, 'driver = "hey"', "endpoints.0.load.driver", "hey"),
    (ENDPOINT, "concurrency = 2", "endpoints.0.load.concurrency", 2),
    (ENDPOINT, "concurrency = 2", "endpoints.0.load.is_fixed", True),
    (ENDPOINT, "keep_alive = false", "endpoints.0.load.keep_alive", False),
    (ENDPOINT, "timeout = 3", "endpoints.0.load.timeout_s", 3.0),
    (ENDPOINT, 'budget = "60s"', "endpoints.0.measure.budget_s", 60.0),
    (ENDPOINT, 'idle = "1s"', "endpoints.0.measure.idle_s", 1.0),
    (ENDPOINT, "seed = 5", "endpoints.0.measure.seed", 5),
    (
        ENDPOINT,
        "tolerance = { bytes = 1 }\n[measure.tolerance]\nobjects = 3",
        "endpoints.0.measure.tolerance.objects",
        3.0,
    ),
    (ENDPOINT, "tolerance = { bytes = 1 }\n[measure.tolerance]\nbytes = 3", "endpoints.0.measure.tolerance.bytes", 1.0),
    (IGNORE, "", "ignore.0.function", "f"),
    (IGNORE, 'top_function = "main.(*cache).*"', "ignore.0.top_function", "main.(*cache).*"),
    (IGNORE, 'any_function = "g"', "ignore.0.any_function", "g"),
    (IGNORE, 'created_by = "g"', "ignore.0.created_by", "g"),
    ('[[ignore]]\nfunction = "f"\n', 'reason = " T-1 "', "ignore.0.reason", "T-1"),
    (IGNORE, "expires = 2027-01-31", "ignore.0.expires", "2027-01-31"),
    (IGNORE, 'expires = "2027-01-31"', "ignore.0.expires", "2027-01-31"),
]


@pytest.mark.parametrize(("above", "line", "where", "expected"), VALID)
def test_accepted(above, line, where, expected):
    at = plan_of(above + line)
    for part in where.split("."):
        at = at[int(part)] if part.isdigit() else getattr(at, part)
    assert at == expected
    assert type(at) is type(expected)


INVALID = [
    ("target", "", "3", '"x"', "[]"),
    (
        "target.url",
        "",
        "1",
        '""',
        '"127.0.0.1:8080"',
        '"ftp://h"',
        '"http://"',
        '"http://h/api"',
        '"http://h?x=1"',
        '"http://h:0"',
        '"http://h:99999"',
        '"http://["',
        '"http://u@h"',
        '"http://a b"',
    ),
    ("target.build", COMMAND, '"go build"', "[]", "[1]", '[""]', '["a\\u0000"]'),
    ("target.command", "", '"svc"', "[]", "[true]", '[" ", "{port}"]'),
    ("target.cwd", COMMAND, "1", '""', '" "'),
    ("target.env", COMMAND, '"A=1"', "{ A = 1 }", '{ "" = "x" }'),
    ("target.ready", URL, "true", '"healthz"', '"http://h/x"', '"//evil/x"', '"/a b"'),
    ("target.pprof", URL, "1", '"debug/pprof"', '"/debug/pprof?token=x"', '"ftp://h/"', '"//evil"'),
    ("target.memprofilerate", COMMAND, "0", "-1", "1.5", "true", '"1"', "9999999999"),
    ("target.source_root", URL, "1", '""', "true"),
    ("target.socket", URL, "1", '""'),
    ("target.startup_timeout", COMMAND, '"soon"', "0", "-1", "true", "inf", "nan", '"30 parsecs"', "[]"),
    ("target.build_timeout", COMMAND + 'build = ["make"]\n', '"x"'),
    ("target.timeout", URL, '"x"'),
    ("target.max_response", URL, '"much"', "0", "-5", "1.5", "true", '"9e99GiB"', '"' + "9" * 400 + 'GiB"'),
    ("auth", "", "1", '"token"'),
    ("auth.header", "", "1", '""', '"X Y"', '"X:"'),
    ("auth.query", "", "1", '""'),
    ("auth.scheme", "", "1", '"Bearer "'),
    ("auth.basic", "", "1", '"user:password"'),
    ("auth.token_env", "", "1", '""', '"A=B"'),
    ("auth.token_file", "", "1", '""'),
    ("auth.token_json", "", "1", '"env.json"', '":a"', '"env.json:"', '"env.json:a..b"'),
    ("auth.token_command", "", '"vault read"', "[]"),
    ("auth.cert", "", "1", '""'),
    ("auth.key", "", "1", '""'),
    ("auth.ca", "", "1", '""'),
    ("load", "", "1", "[]"),
    ("load.driver", "", "1", '""', '"a b"'),
    ("load.concurrency", "", "0", "10001", "-1", "1.5", "true", '"16"', "0x" + "f" * 5000),
    ("load.keep_alive", "", "1", '"yes"'),
    ("load.timeout", "", '"x"', "0"),
    ("measure", "", "1"),
    ("measure.budget", "", '"x"', "0", "true", "2026-01-01"),
    ("measure.idle", "", '"x"', "0"),
    ("measure.tolerance", "", "128", '"128"'),
    ("measure.tolerance.bytes", "", "0", "-1", "inf", "nan", "true", '"1"'),
    ("measure.tolerance.objects", "", "0"),
    ("measure.tolerance.goroutines", "", "0"),
    ("measure.seed", "", "-1", "1.0", '"1"', "true", "9223372036854775808"),
    ("endpoints", "", "1", "{}", '[ "GET /x" ]', '{ path = "/x" }'),
    ("endpoints.path", "", "1", '""', '"x"', '"ftp://h/x"', '"/a b"', '"//h/x"', '"/a\\nb"', '"http://u:p@h/x"'),
    ("endpoints.method", "", "1", '""', '"GET /x"', '"G\\r\\n"'),
    ("endpoints.name", "", "1", '""', '" "', '"a\\nb"'),
    ("endpoints.headers", "", "1", "{ A = 1 }", '{ "A B" = "x" }', '{ A = "x\\r\\nB: y" }', '{ A = "1", a = "2" }'),
    ("endpoints.json", "", "2026-01-01", "{ a = 12:00:00 }", "[inf]", "{ a = nan }"),
    ("endpoints.body", "", "1", "{}"),
    ("endpoints.form", "", '"a=b"', "{ a = [1] }", "{ a = inf }", "{ a = 2026-01-01 }"),
    ("endpoints.expect", "", "201", "[]", '["9xx"]', "[99]", "[600]", "[true]", "[200.0]", '["ok"]', '["-200"]'),
    ("endpoints.mode", "", '"abrt"', "1", '""', "[]"),
    ("endpoints.xfail", "", "true", '""'),
    ("endpoints.driver", "", "1"),
    ("endpoints.concurrency", "", "0"),
    ("endpoints.keep_alive", "", "1"),
    ("endpoints.timeout", "", "0"),
    ("endpoints.budget", "", "0"),
    ("endpoints.idle", "", "0"),
    ("endpoints.tolerance", "", "1", "{ bytes = 0 }"),
    ("endpoints.seed", "", "-1"),
    ("ignore", "", '"main.f"', '{ function = "f", reason = "r" }'),
    ("ignore.function", "", "1", '""'),
    ("ignore.top_function", "", '""'),
    ("ignore.any_function", "", '""'),
    ("ignore.created_by", "", '""'),
    ("ignore.reason", "", "1", '""', '" "'),
    ("ignore.expires", "", "1", '"soon"', "2027-01-31T00:00:00", "12:00:00", '"2027-02-30"'),
]
CASES = [(key, above, given) for key, above, *values in INVALID for given in values if given]


@pytest.mark.parametrize(("key", "above", "given"), CASES, ids=[f"{key}={given[:30]}" for key, _, given in CASES])
def test_refused(key, above, given):
    table, _, rest = key.partition(".")
    if table in {"endpoints", "ignore"} and rest:
        toml, shown = f"[[{table}]]\n{rest} = {given}\n", f"{table}[0].{rest}"
    elif above:
        toml, shown = f"{above}{rest} = {given}\n", key
    else:
        toml, shown = f"{key} = {given}\n", key
    lines = [line for line in complaints(toml) if line.startswith(f"goleak.toml: {shown}")]
    assert lines, "no line names the key"
    assert any("expected" in line or "JSON has no" in line for line in lines)


def test_the_tables_above_know_every_key():
    def keys(table, prefix):
        for name, field in table.model_fields.items():
            key = field.alias or name
            yield f"{prefix}{key}"

    later = {"openapi", "endpoints.grpc", "endpoints.message", "endpoints.protoset"}
    named = {key for key, *_ in INVALID}
    known = set(keys(Document, ""))
    for table in known - {"openapi"}:
        inner = Document.model_fields[table].annotation
        while not hasattr(inner, "model_fields"):
            inner = inner.__args__[0]
        known |= set(keys(inner, f"{table}."))
    assert known - later <= named


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        (
            '[openapi]\nurl = "/openapi.json"\n',
            "openapi: this version can't read OpenAPI documents yet; list the operations as [[endpoints]] instead",
        ),
        (
            "openapi = false\n",
            "openapi: this version can't read OpenAPI documents yet; list the operations as [[endpoints]] instead",
        ),
        (
            '[[endpoints]]\ngrpc = "a.B/C"\nmessage = { id = 1 }\nprotoset = "f.pb"\n',
            "endpoints[0].grpc: this version can't send gRPC load yet; call the service in a Python scenario (goleak.assert_no_leak with a callable) instead, and remove this table",
        ),
        (
            '[[endpoints]]\npath = "/x"\nmessage = { id = 1 }\n',
            'endpoints[0].message: a key of gRPC endpoints, which this version can\'t drive yet; HTTP endpoints take json, body or form (endpoint "/x")',
        ),
    ],
)
def test_keys_of_later_versions(toml, text):
    assert complaint(toml) == f"goleak.toml: {text}"
