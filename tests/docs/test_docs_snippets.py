"""Every snippet of the documentation works: configurations are read, Python compiles, tests are collected, hooks run."""

from __future__ import annotations

import ast
import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_goleak.config.load import from_mapping
from pytest_goleak.findings.hints import Facts, Rule
from pytest_goleak.model.plan import Endpoint
from pytest_goleak.model.protocols import LoadJob
from tests.docs.pages import ROOT, CodeBlock, blocks
from tests.report.samples import RUN

CONFIGURATIONS = blocks("toml")
PYTHON = blocks("python")
CONFTESTS = [block for block in PYTHON if block.text.startswith("# conftest.py\n")]
TEST_MODULES = [block for block in PYTHON if "def test_" in block.text]

GOLEAK_TOML = (
    '[target]\nurl = "http://127.0.0.1:8080"\n\n[[endpoints]]\npath = "/internal/x"\n\n[[endpoints]]\npath = "/x"\n'
)


def test_there_are_snippets_of_every_kind():
    assert len(CONFIGURATIONS) > 15
    assert len(CONFTESTS) > 5
    assert len(TEST_MODULES) > 4


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=str)
def test_configurations_are_read(block: CodeBlock, tmp_path: Path):
    document = tomllib.loads(block.text)
    data = document.get("tool", {}).get("goleak", document)

    plan = from_mapping(data, root=tmp_path, source=str(block))

    assert len(plan.endpoints) == len(data.get("endpoints", []))


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles(block: CodeBlock):
    compile(block.text, str(block), "exec")


def test_test_modules_are_collected(pytester: pytest.Pytester):
    pytester.makefile(".toml", goleak=GOLEAK_TOML)
    for number, block in enumerate(TEST_MODULES):
        pytester.makepyfile(**{f"test_block_{number}": block.text})
    expected = [test for block in TEST_MODULES for test in names_of_tests(block)]

    result = pytester.runpytest_inprocess("--goleak", "--collect-only", "-q", "-p", "no:cacheprovider")

    assert result.ret == 0
    collected = [line.rpartition("::")[2] for line in result.outlines if "test_block_" in line and "::" in line]
    assert sorted(collected) == sorted(expected)


@pytest.mark.parametrize("block", CONFTESTS, ids=str)
def test_conftests_are_loaded(block: CodeBlock, pytester: pytest.Pytester):
    pytester.makefile(".toml", goleak=GOLEAK_TOML)
    pytester.makeconftest(block.text)

    result = pytester.runpytest_inprocess("--goleak", "--collect-only", "-q", "-p", "no:cacheprovider")

    assert result.ret == 0
    assert "goleak.toml::GET /x" in result.outlines
    if "def pytest_goleak_endpoints" in block.text:
        assert "goleak.toml::GET /internal/x" not in result.outlines
        assert "goleak.toml::GET /extra" in result.outlines


def test_reporters_render(pytestconfig: pytest.Config):
    for namespace in namespaces_with("pytest_goleak_reporters"):
        for render in namespace["pytest_goleak_reporters"](pytestconfig).values():
            assert "GET /leak/cache" in render(RUN)


def test_rules_are_rules():
    [namespace] = namespaces_with("pytest_goleak_hints")
    [rule] = namespace["pytest_goleak_hints"](config=None)

    assert isinstance(rule, Rule)
    assert rule.matches(Facts(kind="heap", functions=("acme/bus.(*Bus).Subscribe",)))
    assert not rule.matches(Facts(kind="heap"))


def test_the_driver_drives(server: str):
    [namespace] = namespaces_with("pytest_goleak_load_drivers")
    driver = namespace["pytest_goleak_load_drivers"](config=None)["one-by-one"]()
    endpoint = Endpoint(name="GET /memory", path="/memory")
    done: list[int] = []

    result = driver.run(LoadJob(endpoint=endpoint, base_url=server, requests=3, concurrency=1), done.append)

    assert driver.unsupported(endpoint) is None
    assert "POST" in driver.unsupported(Endpoint(name="POST /", method="POST"))
    assert (result.planned, result.completed, dict(result.status_codes)) == (3, 3, {200: 3})
    assert done == [1, 2, 3]


def test_the_source_observes(server: str):
    [namespace] = namespaces_with("pytest_goleak_sources")
    target = type("Target", (), {"url": server})()

    source = namespace["pytest_goleak_sources"](config=None, target=target, fetcher=None)

    assert source.observe(collections=2).heap_objects == 7
    assert source.proven_leaks() is None


def test_the_report_is_read():
    [block] = blocks("python", page="docs/reference/report.md")
    namespace: dict = {}
    exec(compile(block.text, str(block), "exec"), namespace)

    leaking = namespace["leaking"](Path(__file__).parent / "readme_run.json")

    assert leaking == ["GET /leak/cache", "GET /leak/channel", "GET /leak/rows"]


def test_the_tutorial_mends_with_the_fixed_twins_line():
    [block] = blocks("go", page="docs/tutorial/first-leak.md")
    source = (ROOT / "examples" / "service" / "channel.go").read_text(encoding="utf-8")

    assert block.text.strip() in source.partition("func fixedChannel")[2]


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            levels = {"heap_alloc": 1, "heap_objects": 7, "goroutines": 3, "total_alloc": 9, "num_gc": 2}
            body = json.dumps(levels).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):  # noqa: A002 - the base class's name
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def namespaces_with(hook: str) -> list[dict]:
    found = []
    for block in CONFTESTS:
        if f"def {hook}(" in block.text:
            namespace: dict = {}
            exec(compile(block.text, str(block), "exec"), namespace)
            found.append(namespace)
    assert found, f"no snippet shows {hook}"
    return found


def names_of_tests(block: CodeBlock) -> list[str]:
    return [
        node.name
        for node in ast.parse(block.text).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
