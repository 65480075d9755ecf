"""Choose how to get at the service."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.process import StartedTarget, start
from pytest_goleak.target.remote import RemoteTarget, attach

__all__ = ["open_target"]


def open_target(
    plan: TargetPlan,
    *,
    redact: Callable[[str], str] = str,
    tls: ssl.SSLContext | None = None,
    tmp: Path | None = None,
) -> AbstractContextManager[StartedTarget | RemoteTarget]:
    """Return a context manager that gives the service of *plan*: started for the block, or attached to.

    Args:
        plan: What to start, or where it runs.
        redact: Takes secrets out of what is shown of the service's output.
        tls: For readiness requests to an ``https`` service that asks for a client certificate.
        tmp: Directory that ``{tmp}`` stands for, of a service that is started; by default one of its own.

    Raises:
        TargetError: on entering, if the service cannot be had.

    """
    if plan.is_started_by_us:
        return start(plan, redact=redact, tls=tls, tmp=tmp)
    return attach(plan, redact=redact, tls=tls)
