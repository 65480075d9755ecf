"""The fixtures of Python leak tests. Heavy modules are imported when a fixture is used, which needs ``--goleak``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_goleak.plugin.stash import run_of

if TYPE_CHECKING:
    import httpx

    from pytest_goleak.model.auth import Auth
    from pytest_goleak.model.protocols import Target
    from pytest_goleak.plugin.api import Goleak

__all__ = ["goleak", "goleak_auth", "goleak_client", "goleak_process", "goleak_target"]


@pytest.fixture
def goleak(request: pytest.FixtureRequest, goleak_target: object, goleak_auth: Auth) -> Goleak:
    """Return what checks endpoints and scenarios: ``goleak.assert_no_leak("GET /users")``."""
    from pytest_goleak.plugin.api import Goleak  # noqa: PLC0415 - needs a run

    run = run_of(request.config)
    run.adopt(goleak_target, goleak_auth)
    return Goleak(run, request.node)


@pytest.fixture(scope="session")
def goleak_auth(request: pytest.FixtureRequest) -> Auth:
    """Return how profile requests authenticate; override it to say so in Python."""
    from pytest_goleak.plugin.settings import plan_of  # noqa: PLC0415 - reads the configuration

    return plan_of(request.config).auth


@pytest.fixture(scope="session")
def goleak_target() -> Target | str | None:
    """Override this to start the service yourself: return a URL, or what ``goleak_process`` returned.

    ``None``, the default, is the configuration's ``[target]``.
    """
    return None


@pytest.fixture(scope="session")
def goleak_process(request: pytest.FixtureRequest) -> Iterator[Callable[..., Target]]:
    """Return a function that builds and starts a service, and stops it at the end of the session.

    Its keyword arguments are the keys of ``[target]``; without any it starts the configuration's own::

        goleak_process(command=["./service", "-addr", "127.0.0.1:{port}"], ready="/healthz")
    """
    from pytest_goleak.plugin.settings import plan_of  # noqa: PLC0415 - reads the configuration
    from pytest_goleak.session.service import start  # noqa: PLC0415 - heavy

    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(start(plan_of(request.config), settings))


@pytest.fixture
def goleak_client(request: pytest.FixtureRequest, goleak_target: object, goleak_auth: Auth) -> Iterator[httpx.Client]:
    """Return an ``httpx.Client`` on the target; its connections are closed whenever levels are read."""
    from pytest_goleak.plugin.loop import open_client  # noqa: PLC0415 - httpx

    run = run_of(request.config)
    run.adopt(goleak_target, goleak_auth)
    with open_client(run.session) as client:
        yield client
