"""The examples of the rules are Go: gofmt leaves them as they are, and they compile and pass go vet, in one build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_goleak.findings.hints import RULES, Rule
from pytest_goleak.target.settings import with_go

SCOPE = Path(__file__).parent / "fixes"
FIXES = [rule for rule in RULES if rule.fix]
IMPORTS = {
    "grpc": "fixes/grpc",
    "lumberjack": "fixes/lumberjack",
    "exec": "os/exec",
    "http": "net/http",
    "sql": "database/sql",
    "signal": "os/signal",
}
STANDARD = {"bytes", "context", "io", "net", "os", "runtime", "slices", "strconv", "sync", "time"}


def program(rule: Rule) -> str:
    """Return a file in which the example is the body of a function."""
    code = re.sub(r'//.*|"[^"\n]*"', "", rule.fix)
    used = {word for word in re.findall(r"(?<![\w.])(\w+)\.", code) if word in IMPORTS or word in STANDARD}
    imports = "".join(f'import "{IMPORTS.get(word, word)}"\n' for word in sorted(used)) + ("\n" if used else "")
    made = re.findall(r"^(?:var )?(\w+(?:, \w+)*) :?= ", code, re.MULTILINE)
    names = {name for names in made for name in names.split(", ") if len(re.findall(rf"\b{name}\b", code)) == 1}
    # The example shows a beginning: what it makes is used by what follows.
    uses = "".join(f"\n\t_ = {name}" for name in sorted(names))
    returns = "error" if re.search(r"\breturn \w", code) else ""
    end = "\n\treturn nil" if returns else ""
    body = "\n".join(f"\t{line}" if line else line for line in rule.fix.split("\n"))
    return f"package fixes\n\n{imports}func fix{rule.id}() {returns}{' ' if returns else ''}{{\n{body}{uses}{end}\n}}\n"


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fixes") / "fixes"
    shutil.copytree(SCOPE, root)
    for rule in FIXES:
        (root / f"{rule.id.lower()}.go").write_text(program(rule), encoding="utf-8")
    return root


def run(module: Path, *command: str) -> str:
    environment = {**with_go(os.environ), "GOFLAGS": "-mod=mod", "GOPROXY": "off"}
    done = subprocess.run(["env", *command], cwd=module, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_every_cause_has_an_example():
    assert [rule.id for rule in RULES if not rule.fix] == []


def test_examples_compile_and_pass_vet(module):
    assert run(module, "go", "vet", "./...") == ""


def test_examples_are_formatted(module):
    assert run(module, "gofmt", "-e", "-d", ".") == ""


def test_an_example_that_does_not_compile_is_seen(module):
    bad = module / "bad"
    bad.mkdir()
    (bad / "bad.go").write_text("package bad\n\nfunc f() { return err }\n", encoding="utf-8")

    assert "undefined: err" in run(module, "go", "vet", "./bad")
    shutil.rmtree(bad)
