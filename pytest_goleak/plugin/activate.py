"""What ``--goleak`` switches on; imported only then, since everything heavy hangs on it."""

from __future__ import annotations

import signal
import threading

import pytest

from pytest_goleak.plugin import drivers
from pytest_goleak.plugin.calibration import CalibrationSummary
from pytest_goleak.plugin.economy import check_economy
from pytest_goleak.plugin.loop import LoopTests
from pytest_goleak.plugin.options import OPTIONS, calibration_runs, flag, value
from pytest_goleak.plugin.outputs import check_outputs
from pytest_goleak.plugin.run import GoleakRun
from pytest_goleak.plugin.settings import plan_of
from pytest_goleak.plugin.stash import RUN
from pytest_goleak.plugin.summary import DOCUMENTS, Summary

__all__ = ["activate"]


def activate(config: pytest.Config) -> None:
    """Create the run and register what takes part in it."""
    for option in OPTIONS:
        value(config, option.dest)  # a mistake in the ini file is told now, not after the measurement
    check_calibration(config)
    check_economy(config)
    if not hasattr(config, "workerinput"):
        check_outputs(config, DOCUMENTS)
    config.pluginmanager.register(drivers, "goleak-drivers")
    run = GoleakRun(config)
    config.stash[RUN] = run
    end_by_sigterm(config)
    config.pluginmanager.register(run, "goleak-run")
    config.pluginmanager.register(LoopTests(run), "goleak-loop")
    keep_together(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Summary(config, plan_of(config)), "goleak-summary")
        if calibration_runs(config):
            config.pluginmanager.register(CalibrationSummary(config), "goleak-calibration")


def end_by_sigterm(config: pytest.Config) -> None:
    """Let SIGTERM, by which CI cancels a job, end the run as Ctrl-C does: with a report, and nothing left behind."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)

        def restore() -> None:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

        config.add_cleanup(restore)


def check_calibration(config: pytest.Config) -> None:
    """Refuse what would write settings that nobody measured, or that belong to another budget than the file's."""
    if not flag(config, "goleak_calibrate_write"):
        return
    if not calibration_runs(config):
        raise pytest.UsageError("--goleak-calibrate-write writes what --goleak-calibrate suggests: give both")
    if config.getoption("goleak_budget") is not None:
        raise pytest.UsageError(
            "--goleak-calibrate-write with --goleak-budget: what is suggested would be for that budget, not for the "
            "file's. Leave one of them out."
        )


def keep_together(config: pytest.Config) -> None:
    """Let xdist send all endpoints of one target to one worker: measured at once, they would disturb each other."""
    if hasattr(config, "workerinput"):
        # A worker reads the command line anew: it has to be told, too.
        config.option.loadgroup = True
        return
    dist = config.getoption("dist", "no")
    if dist in ("load", "loadgroup"):
        from pytest_goleak.plugin import scheduling  # noqa: PLC0415 - only where xdist distributes

        config.option.dist = "loadgroup"
        config.pluginmanager.register(scheduling, "goleak-scheduling")
    elif dist != "no":
        raise pytest.UsageError(
            f"--dist={dist} with --goleak: endpoints of one target would be measured at the same time and disturb "
            f"each other. Expected --dist=loadgroup, which -n alone chooses."
        )
