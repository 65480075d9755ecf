"""Each examination has a directory of its own, of a name that every system takes and that stays from run to run."""

import re

import pytest

from pytest_goleak.session.artifacts import Artifacts, directory_name


def test_profiles_are_written_as_they_are(tmp_path):
    written = Artifacts(tmp_path).write("goleak.toml::GET /a/b", "GET /a/b", {"heap_after": b"x"})

    assert (tmp_path / "GET_a_b" / "heap_after.pb.gz").read_bytes() == b"x"
    assert written == {"heap_after": str(tmp_path / "GET_a_b" / "heap_after.pb.gz")}


@pytest.mark.parametrize("name", ["GET /a?b=c", "GET /A", "///", "create user", "../..", "GET /" + 200 * "a", "CON"])
def test_names_that_lose_something_get_a_hash(name):
    directory = directory_name(f"goleak.toml::{name}", name)

    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}-[0-9a-f]{8}", directory)
    assert directory == directory_name(f"goleak.toml::{name}", name)


def test_no_two_examinations_share_a_directory(tmp_path):
    artifacts = Artifacts(tmp_path)
    long = "GET /" + 200 * "a"
    names = ["GET /leak/map", "GET /leak_map", "GET /leak/map?", "GET /leak/Map", f"{long}b", f"{long}c"]
    checks = [(f"goleak.toml::{name}", name) for name in names]
    checks += [(f"test_x.py::{test}", "GET /leak/map") for test in ("test_a", "test_b", "test_loop[1]", "test_loop[2]")]
    checks += [checks[-1]]
    paths = [artifacts.write(*check, {"heap": b""})["heap"].lower() for check in checks]

    assert len(set(paths)) == len(checks)
