from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_goleak.config import document, load
from pytest_goleak.model.errors import ConfigError


def test_find_prefers_our_own_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.goleak]\n")
    assert document.find(tmp_path) == tmp_path / "pyproject.toml"
    (tmp_path / "goleak.toml").write_text("")
    assert document.find(tmp_path) == tmp_path / "goleak.toml"
    assert load.find is document.find


@pytest.mark.parametrize(
    "pyproject",
    [None, "[tool.other]\n", '[project]\ndependencies = ["pytest-goleak"]\n', 'tool = "goleak"\n', "not toml ["],
)
def test_find_nothing(tmp_path, pyproject):
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    assert document.find(tmp_path) is None


def test_find_ignores_a_directory_of_that_name(tmp_path):
    (tmp_path / "goleak.toml").mkdir()
    assert document.find(tmp_path) is None


def test_find_reports_a_broken_pyproject_that_is_ours(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.goleak]\nurl = \n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml:2:7: not valid TOML: Invalid value"):
        document.find(tmp_path)


def test_pyproject_settings_and_their_messages(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.goleak.target]\nurl = "http://127.0.0.1:1"\n[tool.goleak.load]\nconcurrency = 0\n')
    with pytest.raises(ConfigError) as caught:
        load.read(path)
    assert str(caught.value) == f"{path}: tool.goleak.load.concurrency = 0: expected a whole number from 1 to 10000"
    path.write_text('[tool.goleak.target]\nurl = "http://127.0.0.1:1"\n')
    assert load.read(path).target.url == "http://127.0.0.1:1"


@pytest.mark.parametrize("text", ["", "[tool]\ngoleak = 1\n", "tool = 3\n"])
def test_pyproject_without_our_table(tmp_path, text):
    path = tmp_path / "pyproject.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"no table \[tool\.goleak\]; add it, or name another file"):
        load.read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[target]\nurl = http://x\n", ":2:7: not valid TOML: Invalid value"),
        (b"[target", ":1:8: not valid TOML: Expected ']' at the end of a table declaration at the end of the file"),
        (b"a = 1\na = 2\n", ":2:6: not valid TOML: Cannot overwrite a value"),
        (b"a = 1\n# caf\xe9\n", ":2: not UTF-8 (byte 11); save the file as UTF-8"),
        (b"a = " + b"[" * 100_000, ": not valid TOML: arrays or tables nested too deeply"),
        (b"a = " + b"1" * 5_000, ": not valid TOML: Exceeds the limit"),
    ],
)
def test_text_that_is_not_toml(tmp_path, content, message):
    path = tmp_path / "goleak.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load.read(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: can't read the configuration file: No such file"):
        load.read(tmp_path / "absent.toml")


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "goleak.toml"
    path.write_bytes(b'\xef\xbb\xbf[target]\r\nurl = "http://127.0.0.1:1"\r\n')
    assert load.read(path).target.url == "http://127.0.0.1:1"


def test_finding_the_file_costs_no_pydantic():
    code = "import sys, pytest_goleak.config.document; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
