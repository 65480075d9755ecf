"""A run that CI cancels leaves nothing behind, and shows what it has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import pytest_goleak
from tests.plugin.conftest import CONFIG, endpoint
from tests.target.test_started import is_gone, wait_until

BUILT = CONFIG.replace("[target]\n", '[target]\nbuild = ["touch", "{{tmp}}/built"]\n')


@pytest.mark.parametrize("workers", [[], ["-n1"]])
def test_sigterm_ends_a_run_as_ctrl_c_does(project, tmp_path, workers):
    pytester = project(endpoint("/ok", budget='"9s"') + endpoint("/drain", idle='"50s"'), config=BUILT)
    pytester.makeconftest(
        """
        import os

        def pytest_runtest_logfinish(nodeid):
            if "PYTEST_XDIST_WORKER" not in os.environ:  # the controller has the report only now
                open("done", "a").write(nodeid)
        """
    )
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    env = {**os.environ, "TMPDIR": str(tmp), "PYTHONPATH": str(Path(pytest_goleak.__file__).parents[1])}
    command = [sys.executable, "-m", "pytest", "--goleak", "--goleak-json=report.json", *workers]
    with subprocess.Popen(
        command, cwd=pytester.path, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        try:
            assert wait_until((pytester.path / "done").exists, timeout_s=60)
            assert wait_until(lambda: list(tmp.glob("goleak-build-*/built")), timeout_s=20)
            services = [
                each.pid for each in psutil.Process(run.pid).children(recursive=True) if each.name() == "service"
            ]
            os.killpg(run.pid, signal.SIGTERM)  # as a runner does
            output, _ = run.communicate(timeout=60)
        finally:
            run.kill()

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert "clean  GET /ok" in output
    assert (pytester.path / "report.json").exists()
    assert services
    assert wait_until(lambda: all(is_gone(pid) for pid in services), timeout_s=20)
    assert not list(tmp.glob("goleak-build-*"))
