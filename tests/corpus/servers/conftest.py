"""Which servers a test run judges, and their programs, installed once into the build folder."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.corpus.servers.install import DIRECTORY, Installed, install
from tests.corpus.servers.server import Server

SWITCH = "GOLEAK_TEST_DEBIAN"

_DESELECTED = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"debian: needs a server from a Debian package; deselected without {SWITCH}=1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave servers from Debian packages to runs that ask for them.

    `make test` promises to need no more than a package index, on any system. Deselected is not skipped: a skip would
    say that something is missing, and here nothing is; with the switch, a missing apt-get is an error.
    """
    if os.environ.get(SWITCH, "0") != "0":
        return
    left_out = [item for item in items if item.get_closest_marker("debian")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    config.stash[_DESELECTED] = len(left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if number := config.stash.get(_DESELECTED, 0):
        terminalreporter.write_line(
            f"{number} servers from Debian packages were left out; {SWITCH}=1 judges them as well (needs apt-get)."
        )


@pytest.fixture(scope="session")
def installed() -> Callable[[Server], Installed]:
    """Return a function that gives a server's program; what is in the build folder already is taken from there."""
    return lambda server: install(server, DIRECTORY)
