"""Settings are written into the file, and nothing else in it changes."""

import tomllib

import pytest

from pytest_goleak.config.writeback import write_measure
from pytest_goleak.model.errors import ConfigError

FILE = """\
# ours
[target]
url = "http://127.0.0.1:1"   # here

[measure]
budget = '30s'      # short
tolerance = { bytes =  64 }  # strict

[[endpoints]]
path = "/ok"

[[endpoints]]
path = "/slow"  # by design
budget = "60s"
"""

SETTINGS = {"budget": "45s", "tolerance": {"bytes": 500.0, "objects": 0.1, "goroutines": 0.01}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "goleak.toml"
    path.write_text(FILE)
    return path


def test_shared_settings_go_to_measure_and_comments_stay(file):
    diff = write_measure(file, {"GET /ok": SETTINGS}, shared=True)

    text = file.read_text()
    assert tomllib.loads(text)["measure"] == SETTINGS
    assert text.splitlines()[7:] == FILE.splitlines()[7:]
    for comment in ("# ours", "# here", "# short", "# strict"):
        assert comment in text
    assert "-budget = '30s'      # short" in diff
    assert '+budget = "45s"      # short' in diff


def test_settings_of_an_endpoint_go_to_its_table(file):
    write_measure(file, {"GET /ok": SETTINGS}, shared=False)

    document = tomllib.loads(file.read_text())
    assert document["measure"] == tomllib.loads(FILE)["measure"]
    assert document["endpoints"][0] == {"path": "/ok", **SETTINGS}
    assert "tolerance = { bytes = 500, objects = 0.1, goroutines = 0.01 }" in file.read_text()


def test_a_key_of_the_endpoint_itself_is_changed_where_it_is(file):
    write_measure(file, {"GET /slow": {"budget": "2m"}}, shared=True)

    document = tomllib.loads(file.read_text())
    assert (document["endpoints"][1]["budget"], document["measure"]["budget"]) == ("2m", "30s")
    assert "# by design" in file.read_text()


def test_a_file_without_measure_gets_one_and_pyproject_is_written_below_its_table(tmp_path):
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "x"\n\n[[tool.goleak.endpoints]]\npath = "/ok"\n')
    write_measure(path, {"GET /ok": {"budget": "45s"}}, shared=True)

    document = tomllib.loads(path.read_text())
    assert document["tool"]["goleak"] == {"endpoints": [{"path": "/ok"}], "measure": {"budget": "45s"}}
    assert document["project"] == {"name": "x"}


def test_what_is_there_already_makes_no_change(file):
    assert write_measure(file, {"GET /ok": {"budget": "30s"}}, shared=True) == ""
    assert file.read_text() == FILE


def test_line_ends_stay(file):
    file.write_bytes(FILE.replace("\n", "\r\n").encode())
    write_measure(file, {"GET /ok": {"budget": "45s"}}, shared=True)

    assert file.read_bytes() == FILE.replace("\n", "\r\n").replace("'30s'", '"45s"').encode()


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"GET /none": {"budget": "45s"}}, r"no \[\[endpoints\]\] table"), ({"GET /ok": {"budget": "soon"}}, "budget")],
)
def test_nothing_is_written_that_would_be_wrong(file, settings, said):
    with pytest.raises(ConfigError, match=said):
        write_measure(file, settings, shared=True)
    assert file.read_text() == FILE
