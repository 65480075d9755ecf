"""The command's reference and the README's sample of it name the checks that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_goleak.cli.check import Status
from pytest_goleak.cli.doctor import examine
from pytest_goleak.cli.main import main
from tests.docs.pages import blocks, read, rows, section
from tests.docs.test_docs_reference import code


def sample() -> str:
    [text] = [each.text for each in blocks("console", page="README.md") if "$ goleak doctor" in each.text]
    return text


def families(names: list[str]) -> set[str]:
    """Return the names of checks, those of one endpoint each as one."""
    return {re.sub(r"^(load|selftest) .*", r"\1 …", name) for name in names}


def test_the_reference_names_every_check_of_the_sample():
    listed = {code(cells[0]) for cells in rows(section(read("docs/reference/command.md"), "## `goleak doctor`"))}
    shown = re.findall(r"^(?:ok  |warn|fail)  (\S+(?: \S+)*)", sample(), re.MULTILINE)

    assert len(shown) > 10
    assert families(shown) <= listed
    assert f"{len(shown)} {Status.OK}, 0 {Status.WARN}, 0 {Status.FAIL}" in sample()


def test_the_reference_names_every_option(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["doctor", "--help"])
    offered = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    named = set(re.findall(r"`(--[a-z]+)", section(read("docs/reference/command.md"), "## `goleak doctor`")))

    assert named == offered


def test_without_a_service_the_checks_end_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    checks = list(examine(None))

    assert [each.status for each in checks] == [Status.FAIL]
    assert "no service to test" in checks[0].detail
