"""Hooks for third parties; the built-in drivers and reporters come through the same door.

Implement them in a ``conftest.py`` or in a plugin of your own. A plugin that must also work where pytest-goleak is
absent marks them ``@pytest.hookimpl(optionalhook=True)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_goleak.findings.hints import Rule
    from pytest_goleak.model.plan import Endpoint
    from pytest_goleak.model.protocols import Fetcher, LoadDriver, Source, Target
    from pytest_goleak.model.report import RunReport


@pytest.hookspec
def pytest_goleak_load_drivers(config: pytest.Config) -> Mapping[str, Callable[[], LoadDriver]]:  # type: ignore[empty-body]
    """Return load drivers by name, for ``[load] driver`` and ``--goleak-load``.

    ::

        def pytest_goleak_load_drivers(config):
            from mytools.load import MyDriver
            return {"mine": MyDriver}
    """


@pytest.hookspec(firstresult=True)
def pytest_goleak_sources(config: pytest.Config, target: Target, fetcher: Fetcher) -> Source | None:
    """Return what the judge reads levels from, or ``None`` for the service's pprof endpoints.

    ::

        def pytest_goleak_sources(config, target, fetcher):
            return MySource(fetcher)      # observe() and proven_leaks(), see pytest_goleak.model.protocols.Source
    """


@pytest.hookspec
def pytest_goleak_reporters(config: pytest.Config) -> Mapping[str, Callable[[RunReport], str]]:  # type: ignore[empty-body]
    r"""Return reporters by file name; each writes one document into the artifact directory.

    ::

        def pytest_goleak_reporters(config):
            return {"leaks.csv": lambda report: "\n".join(f"{e.name},{e.outcome}" for e in report.endpoints)}
    """


@pytest.hookspec
def pytest_goleak_hints(config: pytest.Config) -> Sequence[Rule]:  # type: ignore[empty-body]
    """Return further diagnosis rules; they are asked before the built-in ones.

    ::

        def pytest_goleak_hints(config):
            from pytest_goleak.findings.hints import Rule
            return [Rule(id="ACME001", title="event bus subscriber never removed", ...)]
    """


@pytest.hookspec
def pytest_goleak_endpoints(config: pytest.Config, endpoints: list[Endpoint]) -> None:
    """Change the list of endpoints in place, before they become test items.

    ::

        def pytest_goleak_endpoints(config, endpoints):
            endpoints[:] = [each for each in endpoints if not each.path.startswith("/internal/")]
    """
