from __future__ import annotations

import sys
import traceback
from pathlib import Path

import pytest

from pytest_goleak.fetch import secret
from pytest_goleak.fetch.secret import describe_token_source, resolve_token
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import AuthError

TOKEN = "s3cret/+=&tok"


def resolved(auth: Auth, root: Path) -> str:
    token = resolve_token(auth, root=root)
    assert token is not None
    return token.reveal()


def refused(auth: Auth, root: Path = Path()) -> str:
    """Return the message, after a look at all that a traceback with local variables would show."""
    with pytest.raises(AuthError) as caught:
        resolve_token(auth, root=root)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "s3cret" not in shown
    assert caught.value.__context__ is None
    return str(caught.value)


def prints(code: str) -> Auth:
    return Auth(token_command=(sys.executable, "-c", code))


def test_no_source_is_no_token() -> None:
    assert resolve_token(Auth()) is None
    assert resolve_token(Auth(ca="ca.pem")) is None


def test_from_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PPROF_TOKEN", TOKEN)
    assert resolved(Auth(token_env="PPROF_TOKEN"), tmp_path) == TOKEN


def test_from_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"\n  {TOKEN}\n")
    assert resolved(Auth(token_file="token"), tmp_path) == TOKEN
    assert resolved(Auth(token_file=str(tmp_path / "token")), Path("/nowhere")) == TOKEN


@pytest.mark.parametrize("value", [f'"{TOKEN}"', "12345"])
def test_from_json(tmp_path: Path, value: str) -> None:
    (tmp_path / "env.json").write_text(
        '\ufeff{"pprof": {"static_token": VALUE}}'.replace("VALUE", value), encoding="utf-8"
    )
    assert resolved(Auth(token_json="env.json:pprof.static_token"), tmp_path) == value.strip('"')


def test_from_command(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    assert resolved(prints("print(open('token').read())"), tmp_path) == TOKEN


def test_environment_variable_unset_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PPROF_TOKEN", raising=False)
    assert "PPROF_TOKEN (auth.token_env) is not set" in refused(Auth(token_env="PPROF_TOKEN"))
    monkeypatch.setenv("PPROF_TOKEN", "")
    assert "PPROF_TOKEN (auth.token_env) is empty" in refused(Auth(token_env="PPROF_TOKEN"))


def test_file_missing_empty_or_binary(tmp_path: Path) -> None:
    assert "No such file" in refused(Auth(token_file="nope"), tmp_path)
    (tmp_path / "token").write_text(" \n")
    assert "is empty" in refused(Auth(token_file="token"), tmp_path)
    (tmp_path / "token").write_bytes(b"s3cret\xff")
    assert "not UTF-8" in refused(Auth(token_file="token"), tmp_path)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"s3cret": ', "is not JSON, see line 1"),
        ('{"other": "s3cret"}', "has no key a (auth.token_json asks for a.b)"),
        ('{"a": "s3cret"}', "has no key a.b"),
        ('{"a": {"b": ["s3cret"]}}', "a.b in file"),
        ('{"a": {"b": true}}', "is bool; expected a string"),
        ('{"a": {"b": ""}}', "is empty"),
        ('["s3cret"]', "has no key a"),
    ],
)
def test_json_without_the_token(tmp_path: Path, document: str, expected: str) -> None:
    (tmp_path / "env.json").write_text(document)
    assert expected in refused(Auth(token_json="env.json:a.b"), tmp_path)


@pytest.mark.parametrize("location", ["env.json", "env.json:", ":a.b"])
def test_json_without_a_key(location: str) -> None:
    assert "expected FILE:dotted.key" in refused(Auth(token_json=location))


def test_command_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; print('s3' + 'cret'); print('s3' + 'cret', file=sys.stderr); sys.exit(5)"
    assert "failed with exit code 5" in refused(prints(code))
    assert "printed nothing" in refused(prints("pass"))
    assert "cannot be run: No such file" in refused(Auth(token_command=("no-such-program",)))
    assert "not print UTF-8" in refused(prints("import sys; sys.stdout.buffer.write(b'\\xff')"))
    monkeypatch.setattr(secret, "_COMMAND_TIMEOUT_S", 0.3)
    assert "within 0.3 s" in refused(prints("import time; print('s3' + 'cret', flush=True); time.sleep(60)"))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("s3cret\nsecond", "line break"),
        ("s3cret\x7f", "control character"),
        (" s3cret", "white space"),
        ("s3cret\u20ac", "outside Latin-1"),
        ("s3cret\udcff", "not UTF-8"),
    ],
)
def test_token_that_no_header_can_carry(token: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPROF_TOKEN", token)
    assert expected in refused(Auth(token_env="PPROF_TOKEN", header="X"))


def test_other_places_carry_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PPROF_TOKEN", "\u20ac")
    for auth in (Auth(token_env="PPROF_TOKEN", query="t"), Auth(token_env="PPROF_TOKEN", basic="u")):
        assert resolved(auth, tmp_path) == "\u20ac"


@pytest.mark.parametrize("auth", [Auth(header="X"), Auth(query="t"), Auth(basic="u")])
def test_place_without_a_source(auth: Auth) -> None:
    assert "Set one of token_env" in refused(auth)


def test_sources_in_words() -> None:
    assert describe_token_source(Auth(token_env="A")) == "environment variable A"
    assert describe_token_source(Auth(token_file="f")) == "file f"
    assert describe_token_source(Auth(token_json="f:k")) == "JSON key f:k"
    assert describe_token_source(Auth(token_command=("pass", "show", "x"))) == "output of pass"
    assert describe_token_source(Auth()) == "no source"
