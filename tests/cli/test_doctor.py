"""``goleak doctor`` against the probe service, one that runs nowhere, and two behind one address."""

import json
from contextlib import ExitStack

import pytest

from pytest_goleak.cli.main import main
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.open import open_target
from tests.plugin.conftest import CONFIG, endpoint
from tests.target.balancer import taking_turns

TOKEN = "s3cr3t-t0ken"


@pytest.fixture
def doctor(tmp_path, service_binary, monkeypatch, capsys):
    """Return a function that runs the command in a directory with a goleak.toml, and gives exit code and output."""
    monkeypatch.setenv("PROBE_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)

    def run(endpoints, *arguments, config=CONFIG):
        (tmp_path / "goleak.toml").write_text(config.format(binary=service_binary) + endpoints)
        code = main(["doctor", *arguments])
        output = capsys.readouterr().out
        assert TOKEN not in output
        return code, output

    return run


def statuses(output):
    return {check["name"]: check["status"] for check in json.loads(output)["checks"]}


@pytest.fixture
def running(service_binary):
    plan = TargetPlan(
        command=(str(service_binary), "-addr", "127.0.0.1:{port}"), ready="/healthz", env={"TOKEN": TOKEN}
    )
    with ExitStack() as stack:
        yield lambda: stack.enter_context(open_target(plan))


def test_all_is_well(doctor):
    code, output = doctor(endpoint("/ok"))

    assert code == 0, output
    for expected in (
        "started as process",
        "accepted; without it profiles are refused",
        "go1.",
        "exact counters",
        "200 x5",
    ):
        assert expected in output
    assert "0 warn, 0 fail" in output


def test_json_says_the_same(doctor):
    code, output = doctor(endpoint("/ok"), "--json")

    assert code == json.loads(output)["exit_code"] == 0
    assert set(statuses(output).values()) == {"ok"}
    assert {"token", "one process", "levels", "places", "proof", "delta", "load GET /ok"} <= statuses(output).keys()


def test_what_fails_says_what_to_do(doctor):
    code, output = doctor(endpoint("/status/500"))

    assert code == 2
    assert "500 x5; expected 2xx, 3xx" in output
    assert "-> Mend path, headers or body" in output


def test_a_wrong_token_is_named(doctor, monkeypatch, running):
    service = running()
    monkeypatch.setenv("PROBE_TOKEN", "wrong-t0ken")
    code, output = doctor(endpoint("/ok"), "--url", service.url, "--json")

    assert code == 2
    assert statuses(output)["profiles"] == "fail"
    assert "401" in output


def test_profiles_open_to_everybody_are_a_warning(doctor):
    code, output = doctor(endpoint("/ok"), "--json", config=CONFIG.replace('env = {{ TOKEN = "s3cr3t-t0ken" }}', ""))

    assert code == 1
    assert statuses(output)["token"] == "warn"


def test_two_processes_behind_one_address_are_found(doctor, running):
    with taking_turns([running().url, running().url]) as url:
        code, output = doctor(endpoint("/ok"), "--url", url, "--json")

    assert code == 2
    assert statuses(output)["one process"] == "fail"


def test_a_service_that_is_not_there(doctor):
    code, output = doctor(endpoint("/ok"), "--url", "http://127.0.0.1:1")

    assert code == 2
    assert "Nobody listens at 127.0.0.1:1" in output


def test_a_mistake_in_the_configuration(doctor):
    code, output = doctor('\n[[endpoints]]\npth = "/ok"\n')

    assert code == 2
    assert "pth" in output


def test_no_endpoint_is_a_warning(doctor):
    code, output = doctor("", "--json")

    assert code == 1
    assert statuses(output)["configuration"] == "warn"


def test_the_selftest_is_part_of_it(doctor):
    code, output = doctor(endpoint("/ok"), "--selftest", "--json")

    assert code == 0, output
    assert {"selftest figures", "selftest service", "selftest nothing"} <= statuses(output).keys()


def test_an_unknown_command_lists_those_that_there_are(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["dcotor"])

    assert exit_info.value.code == 2
    assert "choose from" in (said := capsys.readouterr().err)
    assert "did you mean 'doctor'?" in said


def test_a_planned_command_is_not_called_unknown(capsys):
    with pytest.raises(SystemExit) as exit_info:
        main(["capture", "heap"])

    assert exit_info.value.code == 2
    assert "'goleak capture' is not in this version; expected one of: doctor" in capsys.readouterr().err
