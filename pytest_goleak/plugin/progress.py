"""Live progress while an endpoint is measured: on a terminal in place, elsewhere a line now and then."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext

import pytest

from pytest_goleak.model.protocols import Progress
from pytest_goleak.model.units import format_seconds
from pytest_goleak.report.figures import amount

__all__ = ["LiveProgress"]

REDRAW_S = 0.1
LOG_S = 10.0
"""A pipe or a CI log gets a line this often, and none for endpoints that take less."""


class LiveProgress:
    """Shows where the measurement is, behind what pytest has written on the current line.

    The cursor is saved before and restored after each text, so pytest's own output continues as if nothing was there.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_silent = hasattr(config, "workerinput") or config.get_verbosity() < 0
        self._last = time.monotonic()
        self._is_drawn = False

    def __call__(self, progress: Progress) -> None:
        """Show *progress*, unless something was shown just now."""
        reporter = self._reporter()
        if reporter is None:
            return
        now = time.monotonic()
        if now - self._last < (REDRAW_S if reporter.hasmarkup else LOG_S):
            return
        self._last = now
        with self._uncaptured():
            if reporter.hasmarkup:
                self._draw(reporter, describe(progress))
            else:
                reporter.write_line(f"  {progress.endpoint}: {describe(progress)}")
                reporter.flush()

    def clear(self) -> None:
        """Take away what was drawn, and begin anew for the next endpoint."""
        reporter = self._reporter()
        if reporter is not None and self._is_drawn:
            with self._uncaptured():
                reporter.write_raw("\x1b[K", flush=True)
        self._is_drawn = False
        self._last = time.monotonic()

    def _reporter(self) -> pytest.TerminalReporter | None:
        # Asked for each time: the terminal reporter registers after the plugins, and may be switched off.
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        return None if self._is_silent else reporter

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Let what is written now reach the terminal: while a test runs, pytest captures everything else."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        suspended: AbstractContextManager[None] = capture.global_and_fixture_disabled() if capture else nullcontext()
        return suspended

    def _draw(self, reporter: pytest.TerminalReporter, text: str) -> None:
        writer = self._config.get_terminal_writer()
        room = writer.fullwidth - writer.width_of_current_line - 3
        if room > 20:
            # Save the cursor, clear to the end of the line, write dimmed, restore the cursor. Raw, since the writer
            # would count the text as part of the line.
            reporter.write_raw(f"\x1b7\x1b[K  \x1b[2m{text[:room]}\x1b[0m\x1b8", flush=True)
            self._is_drawn = True


def describe(progress: Progress) -> str:
    """Return ``block 2, round 3/10, 4,100 requests, 24 s left, will see ≥ 16 B, 0.02 objects``."""
    parts = [progress.stage]
    if progress.rounds > 1:
        parts.append(f"round {progress.round}/{progress.rounds}")
    parts += [f"{progress.requests:,} requests", f"{format_seconds(progress.seconds_left)} left"]
    seen = [amount(size, signal.unit) for signal, size in progress.foreseen.items() if math.isfinite(size)]
    return ", ".join([*parts, *([f"will see ≥ {', '.join(seen)} per request"] if seen else [])])
