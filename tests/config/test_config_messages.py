"""The texts that users read, and what must never be in them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_goleak.config.schema import (
    AuthTable,
    Document,
    EndpointTable,
    IgnoreTable,
    LoadKeys,
    MeasureKeys,
    TargetTable,
)
from pytest_goleak.model.errors import ConfigError
from tests.config.settings import URL, complaint, complaints, plan_of_data


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ('[measure]\nbudgt = "30s"\n', 'measure.budgt = "30s": unknown key; did you mean "budget"?'),
        ("[measur]\n", 'measur (a table): unknown key; did you mean "measure"?'),
        ("[load]\nseed = 1\n", "load.seed (an integer, not shown): unknown key; it is a key of [measure] and [[endpoints]]"),
        ("[load]\nxyz = 1\n", "load.xyz (an integer, not shown): unknown key; known keys here: concurrency, driver, keep_alive, timeout"),
        ('[measure]\n"bud get" = 1\n', 'measure."bud get" = 1: unknown key; did you mean "budget"?'),
        ("[load]\nconcurrency = 0\n", "load.concurrency = 0: expected a whole number from 1 to 10000"),
        ("[load]\nkeep_alive = 1\n", "load.keep_alive = 1: expected true or false"),
        ('[measure]\nbudget = "30 sec"\n', 'measure.budget = "30 sec": expected a time such as "30s", "500ms" or "1m30s"'),
        ('[target]\nurl = "localhost:8080"\n', 'target.url = "localhost:8080": expected scheme, host and port of the service, such as "http://127.0.0.1:8080"'),
        ('[target]\nurl = "http://me:pw@h"\n', 'target.url = "http://***@h": expected no credentials in a URL; say in [auth] where the token comes from'),
        (URL + 'pprof = "/p?token=pw"\n', 'target.pprof = "/p?***": expected no query; to send the token as ?name=…, set query in [auth]'),
        ("[endpoints]\n", "endpoints (a table): expected tables, each headed [[endpoints]] in double brackets"),
        (
            '[[endpoints]]\npath = "/a"\n[[endpoints]]\npath = "/b"\nexpect = ["2xx", 99]\n',
            'endpoints[1].expect[1] = 99: expected a list of statuses and classes of them, such as [201] or ["2xx", 404] (endpoint "/b")',
        ),
        (
            '[[endpoints]]\nname = "n"\npath = "/a"\nmode = "abrt"\n',
            'endpoints[0].mode = "abrt": expected one of "normal", "abort", "slow_reader", "hold", "timeout" (endpoint "n")',
        ),
        ('[[endpoints]]\npath = "/a"\njson = { at = 2026-01-01 }\n', 'endpoints[0].json (a table, not shown): JSON has no dates, times, inf or nan; write them as strings (endpoint "/a")'),
        ('[[ignore]]\nfunction = "f"\nreason = ""\n', 'ignore[0].reason = "": expected a reason in words'),
        ("[auth]\nscheme = 3\ntoken_env = 'T'\n", 'auth.scheme (an integer, not shown): expected a prefix of the token, such as "Bearer"'),
        ("load = 2027-01-31\n", "load = 2027-01-31: expected a table, [load]"),
        ('[load]\ndriver = "' + "a " * 100 + '"\n', 'load.driver = "' + ("a " * 100)[:59] + '…": expected the name of a load driver, such as "builtin" or "hey"'),
        ('[load]\ndriver = "a\\u001b\\"\\u2028é\\n"\n', 'load.driver = "a\\x1b\\"\\u2028é\\n": expected the name of a load driver, such as "builtin" or "hey"'),
    ],
)  # fmt: skip
def test_message(toml, line):
    assert complaint(toml) == f"goleak.toml: {line}"


SECRET = "s3cr3t-T0K3N"


@pytest.mark.parametrize(
    "toml",
    [
        f'[auth]\ntoken = "{SECRET}"\n',
        f'[auth]\nheader = "Authorization: {SECRET}"\n',
        f'[auth]\ntoken_command = "echo {SECRET}"\n',
        f'[auth]\ntoken_env = ["{SECRET}"]\n',
        f'[auth]\ntoken_env = "T={SECRET}"\n',
        f'[auth]\nbasic = "user:{SECRET}"\n',
        f'[auth]\nscheme = "Bearer {SECRET}"\n',
        f'[auth]\ntoken_json = "{SECRET}"\n',
        f'[auth]\nzzzz = "{SECRET}"\n',
        f'auth = "{SECRET}"\n',
        f'[aut]\ntoken_env = "{SECRET}"\n',
        f'auht = "{SECRET}"\n',
        f'token = "{SECRET}"\n',
        f'[target]\ntoken = "{SECRET}"\n',
        f'[target]\nenviron = "{SECRET}"\n',
        f'[target]\nenv = "T={SECRET}"\n',
        f'[target]\nenv = ["{SECRET}"]\n',
        f'[target]\ncommand = ["svc"]\nenv = {{ T = "{SECRET}" }}\n',
        f'[target]\nurl = "http://u:{SECRET}@h:1"\n',
        f'[target]\nurl = "http://{SECRET}@h:1/x"\n',
        f'[target]\nurl = "http://h:1?token={SECRET}"\n',
        f'[target]\npprof = "http://h:1/p?token={SECRET}"\n',
        f'[[endpoints]]\npath = "/x"\nheaders = {{ Cookie = "{SECRET}\\n" }}\n',
        f'[[endpoints]]\npath = "/x"\nheader = "Cookie: {SECRET}"\n',
        f'[[endpoints]]\npath = "x?key={SECRET}"\n',
        f'[[endpoints]]\npath = "http://u:{SECRET}@h/x"\n',
        f'[[endpoints]]\npath = "/x"\nbody = ["{SECRET}"]\n',
        f'[[endpoints]]\npath = "/x"\njson = {{ p = "{SECRET}", d = 2026-01-01 }}\n',
        f'[[endpoints]]\npath = "/x"\nform = {{ p = ["{SECRET}"] }}\n',
        f'[[endpoints]]\npath = "/x?k={SECRET}"\n' * 2,
        f'[[endpoints]]\ngrpc = "a/B"\nmessage = {{ p = "{SECRET}" }}\n',
        f'a = "{SECRET}\n',
    ],
)
def test_no_secret_is_repeated(toml):
    text = "\n".join(complaints(toml))
    assert text.startswith("goleak.toml")
    assert SECRET not in text


TABLES = {
    "target": TargetTable,
    "auth": AuthTable,
    "load": LoadKeys,
    "measure": MeasureKeys,
    "endpoints": EndpointTable,
    "ignore": IgnoreTable,
}
KNOWN = {table: {field.alias or name for name, field in model.model_fields.items()} for table, model in TABLES.items()}


@settings(deadline=None)
@given(
    table=st.sampled_from(["", *TABLES]),
    key=st.text(min_size=1, max_size=12) | st.sampled_from(sorted(set().union(*KNOWN.values(), ["json_body"]))),
    value=st.integers() | st.booleans() | st.text() | st.floats() | st.dates() | st.lists(st.text()),
)
def test_no_unknown_key_is_accepted(table, key, value):
    assume(key not in (KNOWN[table] if table else Document.model_fields))
    content = {key: value}
    if table:
        content = {table: [content] if table in {"endpoints", "ignore"} else content}
    with pytest.raises(ConfigError, match="unknown key; "):
        plan_of_data(content)


@settings(deadline=None)
@given(
    key=st.sampled_from(sorted(KNOWN["auth"])),
    secret=st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=12),
    wrap=st.sampled_from(
        [lambda text: [[text]], lambda text: {"x": text}, lambda text: f"\0{text}", lambda text: {text: 1}]
    ),
)
def test_no_value_of_auth_is_repeated(key, secret, wrap):
    with pytest.raises(ConfigError) as caught:
        plan_of_data({"auth": {key: wrap(secret)}})
    assert secret not in str(caught.value)


def test_all_problems_of_all_layers_come_at_once():
    lines = complaints(
        "[load]\nconcurrency = 0\n[measure]\nseed = -1\n",
        overrides={"measure.budget": "soon", "load.concurrency": 4},
        defaults={"load.drivr": "hey"},
    )
    assert lines == [
        "goleak.toml: load.concurrency = 0: expected a whole number from 1 to 10000",
        'ini options: load.drivr = "hey": unknown key; did you mean "driver"?',
        "goleak.toml: measure.seed = -1: expected a whole number, 0 or above",
        'command line: measure.budget = "soon": expected a time such as "30s", "500ms" or "1m30s"',
    ]


texts = st.sampled_from(
    ["", "/", "//", "/x", "http://[", "http://h:{port}", "{choice:}", "30s", "\ud7ff", "2xx", "a:b"]
)
values = st.recursive(
    texts | st.integers() | st.booleans() | st.floats() | st.dates() | st.times() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
tables = {name: st.dictionaries(st.sampled_from(sorted(keys)), values, max_size=5) for name, keys in KNOWN.items()}


@settings(deadline=None)
@given(
    data=st.fixed_dictionaries(
        {},
        optional={
            name: values | (st.lists(table | values, max_size=3) if name in {"endpoints", "ignore"} else table)
            for name, table in tables.items()
        },
    ),
    url=st.none() | texts,
)
def test_whatever_is_in_the_file_it_is_a_plan_or_a_config_error(data, url):
    try:
        plan = plan_of_data(data, overrides={"target.url": url})
    except ConfigError as error:
        assert all(line.startswith(("goleak.toml: ", "command line: ")) for line in str(error).splitlines())  # noqa: PT017 — either outcome is right
    else:
        assert plan.source == "goleak.toml"
