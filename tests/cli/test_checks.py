"""Checks as a table, as JSON, and as an exit code."""

import json

import pytest

from pytest_goleak.cli.check import Check, Status, as_json, as_table, exit_code

OK = Check(name="profiles", status=Status.OK, detail="heap")
WARN = Check(name="token", status=Status.WARN, detail="open to all", advice="close it")
FAIL = Check(name="load GET /x", status=Status.FAIL, detail="word " * 40)


@pytest.mark.parametrize(("checks", "code"), [([], 0), ([OK], 0), ([OK, WARN], 1), ([FAIL, OK, WARN], 2)])
def test_the_worst_status_is_the_exit_code(checks, code):
    assert exit_code(checks) == code


def test_the_table_is_aligned_and_folded():
    lines = as_table([OK, WARN, FAIL]).split("\n")

    assert lines[:3] == [
        "ok    profiles     heap",
        "warn  token        open to all",
        "                   -> close it",
    ]
    assert lines[3].startswith("fail  load GET /x  word word")
    assert lines[-1] == "1 ok, 1 warn, 1 fail"
    assert max(map(len, lines)) <= 100


def test_the_json_has_it_all():
    document = json.loads(as_json([OK, WARN]))

    assert document["exit_code"] == 1
    assert document["checks"][1] == {"name": "token", "status": "warn", "detail": "open to all", "advice": "close it"}
