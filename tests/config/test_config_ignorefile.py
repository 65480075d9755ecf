from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_goleak.config import load
from pytest_goleak.config.ignorefile import accepted_reason, append_ignores
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import IgnoreRule

TODAY = dt.date(2026, 11, 22)
RULES = (
    IgnoreRule(function="main.(*cache).put", reason=accepted_reason(TODAY)),
    IgnoreRule(top_function='a"\\b', any_function="c", created_by="d", reason="T-1", expires="2027-01-31"),
)


def test_written_text(tmp_path):
    path = tmp_path / "goleak.toml"
    append_ignores(path, RULES)
    assert path.read_text() == (
        '[[ignore]]\nfunction = "main.(*cache).put"\nreason = "accepted on 2026-11-22: fill in why"\n'
        '\n[[ignore]]\ntop_function = "a\\"\\\\b"\nany_function = "c"\ncreated_by = "d"\nreason = "T-1"\nexpires = 2027-01-31\n'
    )
    assert load.read(path).ignore == RULES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        '[target]  # mine\nurl   = "http://127.0.0.1:1"\n\n\n',
        '[target]\r\nurl = "http://127.0.0.1:1"\r\n',
        '[[ignore]]\nfunction = "old"\nreason = "r"',
        '[[endpoints]]\npath = "/x"\n[endpoints.headers]\nA = "b"\n',
    ],
)
def test_text_of_the_user_stays(tmp_path, text):
    path = tmp_path / "goleak.toml"
    path.write_bytes(text.encode())
    before = load.read(path)
    append_ignores(path, RULES)
    append_ignores(path, ())
    written = path.read_bytes().decode()
    assert written.startswith(text)
    assert "\r\n" not in text or "\n" not in written.replace("\r\n", "")
    after = load.read(path)
    assert after.ignore == before.ignore + RULES
    assert (after.target, after.endpoints) == (before.target, before.endpoints)


def test_pyproject(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "x"\n')
    append_ignores(path, RULES)
    assert "[[tool.goleak.ignore]]" in path.read_text()
    assert load.read(path).ignore == RULES


def test_a_file_that_cannot_take_tables_is_left_alone(tmp_path):
    path = tmp_path / "goleak.toml"
    path.write_text("ignore = []\n")
    with pytest.raises(ConfigError, match=r"can't append \[\[ignore\]\] tables .* as \[\[ignore\]\] tables first"):
        append_ignores(path, RULES)
    assert path.read_text() == "ignore = []\n"


@pytest.mark.parametrize("rule", [IgnoreRule(reason="r"), IgnoreRule(function="f", reason=" ")])
def test_a_rule_that_could_not_be_read_back(tmp_path, rule):
    path = tmp_path / "goleak.toml"
    with pytest.raises(ConfigError, match="needs a pattern and a reason"):
        append_ignores(path, (*RULES, rule))
    assert not path.exists()


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="can't write accepted leaks: No such file"):
        append_ignores(tmp_path / "absent" / "goleak.toml", RULES)


names = st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text)


@settings(deadline=None)
@given(function=names, created_by=st.none() | names, expires=st.none() | st.dates(min_value=TODAY))
def test_round_trip(tmp_path_factory, function, created_by, expires):
    path = tmp_path_factory.mktemp("ignore") / "goleak.toml"
    rule = IgnoreRule(
        function=function,
        created_by=created_by,
        reason=accepted_reason(TODAY),
        expires=expires.isoformat() if expires else None,
    )
    append_ignores(path, [rule])
    assert load.read(path).ignore == (rule,)
