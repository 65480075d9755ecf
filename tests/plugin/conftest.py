import os
import subprocess
from pathlib import Path

# pytester forgets what a run has imported, and numpy can't be imported twice: everything heavy comes in before. httpx
# imports its transport at the first client; a second one would be another module than the one that others hold.
import httpcore  # noqa: F401
import pytest

import pytest_goleak.load.builtin
import pytest_goleak.load.hey
import pytest_goleak.plugin.activate
import pytest_goleak.plugin.items  # noqa: F401
from pytest_goleak.target.settings import with_go

SOURCE = Path(__file__).parent / "service"

CONFIG = """
[target]
command = ["{binary}", "-addr", "127.0.0.1:{{port}}"]
ready = "/healthz"
env = {{ TOKEN = "s3cr3t-t0ken" }}

[auth]
header = "Authotization"
token_env = "PROBE_TOKEN"

[measure]
budget = "60s"
idle = "2s"
"""


@pytest.fixture(scope="session")
def service_binary(tmp_path_factory):
    binary = tmp_path_factory.mktemp("probe") / "service"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCE, env=with_go(os.environ), check=True)
    return binary


@pytest.fixture
def project(pytester, service_binary, monkeypatch):
    """A directory with a goleak.toml for the probe service; call it with the rest of the file."""
    monkeypatch.setenv("PROBE_TOKEN", "s3cr3t-t0ken")
    pytester.makeini("[pytest]\n")

    def write(endpoints, *, config=CONFIG):
        (pytester.path / "goleak.toml").write_text(config.format(binary=service_binary) + endpoints)
        return pytester

    return write


def endpoint(path, **settings):
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return "\n".join(["", "[[endpoints]]", f'path = "{path}"', *lines, ""])
