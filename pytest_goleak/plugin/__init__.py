"""The pytest shell: the only folder that imports pytest, loaded at every start of it, so light until it is asked.

Everything heavy (scipy, numpy, httpx, pycurl) is imported by the session object, which exists only with ``--goleak``.
"""

from __future__ import annotations

import pytest

from pytest_goleak.plugin import hookspecs
from pytest_goleak.plugin.fixtures import goleak, goleak_auth, goleak_client, goleak_process, goleak_target
from pytest_goleak.plugin.options import add_options, flag, refuse_idle_options

__all__ = ["goleak", "goleak_auth", "goleak_client", "goleak_process", "goleak_target"]

MARKER = (
    "goleak(*, loop=False, budget=None, idle=None, tolerance=None, seed=None, driver=None, "
    "concurrency=None, keep_alive=None, timeout=None): a leak test; with loop=True the test itself is the load, run "
    "again and again"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks of third parties."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register what collects leak tests, and with ``--goleak`` what runs them."""
    config.addinivalue_line("markers", MARKER)
    from pytest_goleak.plugin.collect import Collector  # noqa: PLC0415 - needs the options that this module adds

    config.pluginmanager.register(Collector(config), "goleak-collect")
    if flag(config, "goleak"):
        from pytest_goleak.plugin.activate import activate  # noqa: PLC0415 - heavy, and only with --goleak

        activate(config)
    else:
        refuse_idle_options(config)
