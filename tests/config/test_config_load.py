"""Whole files, and what is stronger than what."""

from __future__ import annotations

import pytest

from pytest_goleak.config import load
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import (
    ClientMode,
    Endpoint,
    IgnoreRule,
    LoadPlan,
    MeasurePlan,
    RunPlan,
    TargetPlan,
    Tolerance,
)
from tests.config.settings import URL, complaint, plan_of, plan_of_data

SAMPLE = """
[target]
url = "http://127.0.0.1:8080"
build = ["go", "build", "-o", "{tmp}/service", "."]
command = ["{tmp}/service", "-addr", "127.0.0.1:{port}"]
cwd = "service"
env = { GIN_MODE = "release" }
ready = "/api/v1/healthcheck"
pprof = "/debug/pprof"
memprofilerate = 4096

[auth]
header = "Authotization"
token_env = "PPROF_TOKEN"
scheme = "Bearer"

[load]
driver = "builtin"
concurrency = 16
keep_alive = true

[measure]
budget = "30s"
idle = "8s"
tolerance = { bytes = 128, objects = 0.1, goroutines = 0.01 }
seed = 1

[[endpoints]]
path = "/api/v1/users"
method = "POST"
name = "create user"
headers = { "X-Request-Id" = "{uuid}" }
json = { name = "{uuid}" }
expect = [201]
budget = "60s"
mode = "normal"
xfail = "reason"

[[ignore]]
function = "main.(*cache).put"
reason = "TICKET-1"
expires = 2027-01-31
"""


def test_documented_sample(tmp_path):
    path = tmp_path / "goleak.toml"
    path.write_text(SAMPLE)
    chosen = LoadPlan(concurrency=16, is_fixed=True)
    assert load.read(path) == RunPlan(
        target=TargetPlan(
            url="http://127.0.0.1:8080",
            build=("go", "build", "-o", "{tmp}/service", "."),
            command=("{tmp}/service", "-addr", "127.0.0.1:{port}"),
            cwd=str(tmp_path / "service"),
            env={"GIN_MODE": "release"},
            ready="/api/v1/healthcheck",
            memprofilerate=4096,
            root=str(tmp_path),
        ),
        auth=Auth(header="Authotization", token_env="PPROF_TOKEN", scheme="Bearer"),
        load=chosen,
        measure=MeasurePlan(idle_s=8.0),
        endpoints=(
            Endpoint(
                name="create user",
                method="POST",
                path="/api/v1/users",
                headers={"X-Request-Id": "{uuid}", "Content-Type": "application/json"},
                body='{"name":"{uuid}"}',
                expect=("201",),
                mode=ClientMode.NORMAL,
                xfail="reason",
                load=chosen,
                measure=MeasurePlan(budget_s=60.0, idle_s=8.0),
            ),
        ),
        ignore=(IgnoreRule(function="main.(*cache).put", reason="TICKET-1", expires="2027-01-31"),),
        source=str(path),
    )


def test_paths_start_from_the_file_wherever_pytest_runs(tmp_path, monkeypatch):
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "leaks.toml").write_text('[target]\ncommand = ["x", "{port}"]\n[auth]\ntoken_file = "t"\n')
    monkeypatch.chdir(tmp_path)
    plan = load.read((tmp_path / "ci" / "leaks.toml").relative_to(tmp_path))
    assert plan.target.root == plan.target.cwd == str(tmp_path / "ci")
    assert plan.auth.token_file == str(tmp_path / "ci" / "t")
    assert plan.source == "ci/leaks.toml"


def test_no_file_is_a_plan_of_defaults(tmp_path):
    plan = load.from_mapping({}, root=tmp_path)
    assert plan == RunPlan(target=TargetPlan(cwd=str(tmp_path), root=str(tmp_path)))


FILE = URL + '[measure]\nbudget = "20s"\n[[endpoints]]\npath = "/own"\nbudget = "21s"\n[[endpoints]]\npath = "/plain"\n'


@pytest.mark.parametrize(
    ("toml", "options", "budgets"),
    [
        (URL, {}, (30.0,)),
        (URL, {"defaults": {"measure.budget": "19s"}}, (19.0,)),
        (FILE, {"defaults": {"measure.budget": "19s"}}, (20.0, 21.0, 20.0)),
        (FILE, {"overrides": {"measure.budget": "22s"}}, (22.0, 22.0, 22.0)),
        (FILE, {"overrides": {"measure.budget": None}}, (20.0, 21.0, 20.0)),
        (FILE, {"overrides": {"measure.budget": 22}, "defaults": {"measure.budget": "19s"}}, (22.0, 22.0, 22.0)),
    ],
)
def test_precedence(toml, options, budgets):
    plan = plan_of(toml, **options)
    assert (plan.measure.budget_s, *(endpoint.measure.budget_s for endpoint in plan.endpoints)) == budgets


def test_tolerance_is_laid_over_key_by_key():
    plan = plan_of(
        "[measure]\ntolerance = { bytes = 2 }\n[[endpoints]]\npath = '/x'\ntolerance = { bytes = 3, objects = 3 }\n",
        overrides={"measure.tolerance.bytes": 4},
        defaults={"measure.tolerance": {"bytes": 1, "goroutines": 1}},
    )
    assert plan.measure.tolerance == Tolerance(bytes=4, objects=0.1, goroutines=1)
    assert plan.endpoints[0].measure.tolerance == Tolerance(bytes=4, objects=3, goroutines=1)


def test_an_override_hides_no_mistake_of_the_file():
    assert "goleak.toml: endpoints[0].budget" in complaint(
        "[[endpoints]]\npath = '/x'\nbudget = 'x'\n", overrides={"measure.budget": "20s"}
    )


def test_url_of_the_command_line_replaces_the_service_that_the_file_starts():
    plan = plan_of(SAMPLE, overrides={"target.url": "http://10.0.0.9:80"})
    assert plan.target.url == "http://10.0.0.9:80"
    assert not plan.target.is_started_by_us
    assert (plan.target.build, plan.target.env, plan.target.socket) == (None, {}, None)
    assert (plan.target.ready, plan.target.pprof) == ("/api/v1/healthcheck", "/debug/pprof")


def test_url_of_ini_is_weaker_than_any_target_of_the_file():
    ini = {"target.url": "http://10.0.0.9:80"}
    assert plan_of('[target]\ncommand = ["a", "{port}"]\n', defaults=ini).target.url is None
    assert plan_of(URL, defaults=ini).target.url == "http://127.0.0.1:8080"
    assert plan_of("", defaults=ini).target.url == "http://10.0.0.9:80"


@pytest.mark.parametrize(
    ("pprof", "what"),
    [
        ("http://10.0.0.1:6060/p", "the profiles come from 10.0.0.1"),
        ("http://127.0.0.1:{port}/p", "the profiles come from a port of the service that the file starts"),
    ],
)
def test_profiles_of_another_service_than_the_command_line_names(pprof, what):
    toml = f'[target]\ncommand = ["a", "{{port}}"]\npprof = "{pprof}"\n'
    assert what in complaint(toml, overrides={"target.url": "http://127.0.0.1:9"})
    plan_of(toml.replace(pprof, "http://localhost:6060/p"), overrides={"target.url": "http://127.0.0.1:9"})


def test_hosts_are_those_of_the_service_that_is_tested():
    toml = URL + '[[endpoints]]\npath = "http://127.0.0.1:8080/x"\n'
    assert "allowed: 10.0.0.9" in complaint(toml, overrides={"target.url": "http://10.0.0.9:80"})


def test_budget_of_the_command_line_is_blamed_where_it_is_too_short():
    line = complaint("[measure]\nbudget = '20s'\nidle = '6s'\n", overrides={"measure.budget": "5s"})
    assert line.startswith('command line: measure.budget = "5s": expected more than idle')


def test_data_of_any_mapping_and_sequence():
    class Frozen(dict):
        pass

    plan = plan_of_data({"target": Frozen(command=("a", "{port}")), "endpoints": ({"path": "/x"},)})
    assert plan.target.command == ("a", "{port}")
    assert plan.endpoints[0].name == "GET /x"


def test_require_target():
    load.require_target(plan_of(URL))
    load.require_target(plan_of('[target]\ncommand = ["a", "{port}"]\n'))
    with pytest.raises(ConfigError, match=r"goleak\.toml: target: no service to test; expected url .* --goleak-url"):
        load.require_target(plan_of(""))


ENDPOINT = Endpoint(name="GET /x", measure=MeasurePlan(tolerance=Tolerance(bytes=7)))


def test_marker_arguments():
    changed = load.with_overrides(
        ENDPOINT,
        budget="10s",
        idle=2,
        tolerance={"objects": 3},
        seed=9,
        concurrency=4,
        keep_alive=False,
        driver="hey",
        timeout=None,
    )
    assert changed.measure == MeasurePlan(budget_s=10, idle_s=2, tolerance=Tolerance(bytes=7, objects=3), seed=9)
    assert changed.load == LoadPlan(driver="hey", concurrency=4, is_fixed=True, keep_alive=False)
    assert load.with_overrides(ENDPOINT) == ENDPOINT


def test_command_line_is_stronger_than_a_marker():
    overrides = {"measure.budget": "40s", "target.url": "http://h", "measure.tolerance.bytes": 1, "load.driver": None}
    changed = load.with_overrides(
        ENDPOINT, overrides=overrides, budget="10s", driver="hey", tolerance={"bytes": 5, "objects": 5}
    )
    assert changed.measure.budget_s == 40
    assert changed.measure.tolerance == Tolerance(bytes=1, objects=5)
    assert changed.load.driver == "hey"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"budgt": 1}, 'budgt = 1: unknown key; did you mean "budget"?'),
        ({"budget": "x"}, 'budget = "x": expected a time such as "30s"'),
        (
            {"path": "/y"},
            "path (a string, not shown): unknown key; known keys here: budget, concurrency, driver, idle, keep_alive, seed, timeout, tolerance",
        ),
        ({"concurrency": 0}, "concurrency = 0: expected a whole number from 1 to 10000"),
        ({"tolerance": {"bytes": -1}}, "tolerance.bytes = -1: expected a number of bytes per request, above 0"),
        ({"budget": "5s", "idle": "6s"}, 'budget = "5s": expected more than idle'),
        ({"idle": "30s"}, 'idle = "30s": expected less than budget, the whole time of an endpoint (30 s)'),
    ],
)
def test_arguments_are_refused_in_the_name_of_the_marker_or_the_call(arguments, text):
    with pytest.raises(ConfigError) as caught:
        load.with_overrides(ENDPOINT, marker=arguments)
    assert str(caught.value).startswith(f'goleak marker of "GET /x": {text}')
    with pytest.raises(ConfigError) as caught:
        load.with_overrides(ENDPOINT, **arguments)
    assert str(caught.value).startswith(f'arguments for "GET /x": {text}')


def test_a_call_is_stronger_than_the_marker():
    marker = {"budget": "5s", "seed": 3, "tolerance": {"bytes": 1, "objects": 1}}
    changed = load.with_overrides(ENDPOINT, marker=marker, budget="20s", idle="6s", tolerance={"bytes": 2})
    assert changed.measure == MeasurePlan(budget_s=20, idle_s=6, seed=3, tolerance=Tolerance(bytes=2, objects=1))


def test_an_endpoint_made_by_hand_keeps_its_short_budget():
    quick = Endpoint(name="q", measure=MeasurePlan(budget_s=1))
    assert load.with_overrides(quick, concurrency=1).measure.budget_s == 1
