"""Real programs whose files are not where their profiles say: built with -trimpath, or somewhere else."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_goleak.findings.attribute import attribute
from pytest_goleak.findings.source import locate, make_reader, source_roots
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.model.profile import Frame, Site, SiteGrowth
from pytest_goleak.pprof.parse import parse
from pytest_goleak.target.settings import with_go

QUEUE = "package queue\n\n//go:noinline\nfunc Run(job func()) {\n\tjob()\n}\n"
SHOP = {
    "go.mod": "module example.com/team/shop\n\ngo 1.21\n\nrequire (\n\texample.org/Queue v1.2.3\n\texample.org/own v0.0.1\n)\n"
    "\nreplace example.org/own => ./own\n",
    "cmd/api/main.go": """package main

import (
	"bytes"
	"os"
	"runtime/pprof"

	"example.com/team/shop/internal/cache"
	queue "example.org/Queue"
	"example.org/own"
)

func main() {
	queue.Run(func() { cache.Put("key", bytes.Repeat([]byte("x"), 1<<20)) })
	own.Keep()
	_ = pprof.Lookup("allocs").WriteTo(os.Stdout, 0)
}
""",
    "internal/cache/cache.go": """package cache

var entries = map[string][]byte{}

// Put keeps for ever.
func Put(key string, value []byte) {
	entries[key] = append([]byte(nil), value...)
}
""",
    "own/go.mod": "module example.org/own\n\ngo 1.21\n",
    "own/own.go": "package own\n\nvar kept []byte\n\n//go:noinline\nfunc Keep() {\n\tkept = make([]byte, 1<<20)\n}\n",
    "cache.go": "package other\n",  # has the name of another, and must not be taken for it
}
PUT, RUN, KEEP = "example.com/team/shop/internal/cache.Put", "example.org/Queue.Run", "example.org/own.Keep"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("modules")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module proxy of one module, so that the build needs no network."""
    root = tmp_path_factory.mktemp("proxy")
    versions = root / "example.org" / "!queue" / "@v"
    mod = "module example.org/Queue\n\ngo 1.21\n"
    write(versions, {"v1.2.3.mod": mod, "v1.2.3.info": '{"Version": "v1.2.3"}'})
    with zipfile.ZipFile(versions / "v1.2.3.zip", "w") as archive:
        archive.writestr("example.org/Queue@v1.2.3/go.mod", mod)
        archive.writestr("example.org/Queue@v1.2.3/queue.go", QUEUE)
    return root


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("shop"), SHOP)


def frames_of(source: Path, *flags: str, proxy: Path, module_cache: Path) -> dict[str, Frame]:
    environment = {
        **with_go(os.environ),
        "GOPROXY": proxy.as_uri(),
        "GOSUMDB": "off",
        "GOMODCACHE": str(module_cache),
        "GOFLAGS": "-mod=mod -modcacherw",
        "GODEBUG": "",
    }
    program = source / "api"
    subprocess.run(
        ["env", "go", "build", *flags, "-o", str(program), "./cmd/api"], cwd=source, env=environment, check=True
    )
    output = subprocess.run(
        [str(program)], env={"GODEBUG": "memprofilerate=1"}, stdout=subprocess.PIPE, check=True
    ).stdout
    return {frame.function: frame for stack in parse(output).frames() for frame in stack}


@pytest.fixture(scope="module")
def trimmed(shop: Path, proxy: Path, module_cache: Path) -> dict[str, Frame]:
    return frames_of(shop, "-trimpath", proxy=proxy, module_cache=module_cache)


def test_trimmed_paths_are_no_paths(trimmed):
    assert trimmed[PUT].file == "example.com/team/shop/internal/cache/cache.go"
    assert not any(Path(frame.file).is_absolute() for frame in trimmed.values())


@pytest.mark.parametrize("inside", [".", "internal", "cmd/api"])
def test_the_modules_own_files_are_found_from_any_directory_of_it(trimmed, shop, inside):
    read = make_reader([shop / inside])

    shown = read(trimmed[PUT])

    assert shown is not None
    assert shown.line == "entries[key] = append([]byte(nil), value...)"
    assert locate(trimmed["main.main"], [shop / inside]).samefile(shop / "cmd/api/main.go")


def test_a_finding_names_the_file_as_it_is_here(trimmed, shop):
    grown = SiteGrowth(site=Site(kind="heap", stack=(trimmed[PUT],)), objects=1000, bytes=64_000)
    for reader, file in ((make_reader([shop]), str(shop / "internal/cache/cache.go")), (None, trimmed[PUT].file)):
        (finding,) = attribute(goroutines=[], heap=[grown], requests=1000, estimates={}, read_source=reader).findings
        assert finding.file == file


def test_a_module_below_the_root_is_found(trimmed, shop):
    assert locate(trimmed[PUT], [shop.parent]).samefile(shop / "internal/cache/cache.go")


def test_dependencies_are_read_from_the_module_cache(trimmed, shop, module_cache, monkeypatch):
    monkeypatch.setenv("GOMODCACHE", str(module_cache))

    assert locate(trimmed[RUN], [shop]) == module_cache / "example.org/!queue@v1.2.3/queue.go"


def test_dependencies_are_read_from_vendor(trimmed, tmp_path):
    vendored = write(tmp_path, {"vendor/example.org/Queue/queue.go": QUEUE})

    assert locate(trimmed[RUN], [vendored]) == tmp_path / "vendor/example.org/Queue/queue.go"
    assert locate(trimmed[RUN], [write(tmp_path / "other", {"queue.go": QUEUE})]) is None


def test_a_replaced_module_is_read_where_it_is(trimmed, shop):
    assert locate(trimmed[KEEP], [shop]).samefile(shop / "own/own.go")


def test_the_standard_library_is_read_from_goroot(trimmed, shop):
    shown = make_reader([shop])(trimmed["bytes.Repeat"])

    assert shown is not None
    assert shown.body[0].startswith("func Repeat(")


def test_a_program_built_elsewhere_is_read_from_the_source_root(shop, proxy, module_cache, tmp_path):
    built = write(tmp_path / "build" / "shop", SHOP)
    frame = frames_of(built, proxy=proxy, module_cache=module_cache)[PUT]
    (built / "internal/cache/cache.go").unlink()

    assert frame.file == str(built / "internal/cache/cache.go")
    assert locate(frame, [shop]) == shop / "internal/cache/cache.go"
    assert locate(frame) is None


def test_lines_of_an_edited_file_are_not_shown(trimmed, tmp_path):
    edited = {**SHOP, "internal/cache/cache.go": "package cache\n\nfunc Get() {\n\n\n\n\n\n}\n"}

    assert make_reader([write(tmp_path, edited)])(trimmed[PUT]) is None


def test_the_source_root_comes_before_the_working_directory(tmp_path):
    (tmp_path / "src").mkdir()
    plan = TargetPlan(root=str(tmp_path), cwd=str(tmp_path), source_root="src")

    assert source_roots(plan) == (tmp_path / "src", tmp_path)
    assert source_roots(TargetPlan(root=str(tmp_path), cwd="src")) == (tmp_path / "src",)


def test_a_source_root_that_is_no_directory_is_an_error(tmp_path):
    plan = TargetPlan(root=str(tmp_path), source_root="gone")

    with pytest.raises(ConfigError, match=r"source_root is 'gone'.*not a directory.*go\.mod"):
        source_roots(plan)
