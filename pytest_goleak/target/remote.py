"""A service that somebody else runs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.address import connect, locate
from pytest_goleak.target.ready import poll_ready

__all__ = ["RemoteTarget", "attach"]

_CONNECT_TIMEOUT_S = 5.0
_READY_TIMEOUT_S = 10.0
# Left at its default, `ready` says nothing about this service.
_READY_IS_UNSET = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTarget:
    """A running service; whether it lives, its answers tell."""

    url: str
    pprof_url: str
    socket: str | None = None
    pid: int | None = None
    memprofilerate: int | None = None
    is_started_by_us: bool = False

    def check_alive(self) -> None:
        """Do nothing: this process is not ours to watch."""

    def output(self) -> str:
        """Return nothing: what it writes is not ours to read."""
        return ""


@contextmanager
def attach(
    plan: TargetPlan, *, redact: Callable[[str], str], tls: ssl.SSLContext | None = None
) -> Iterator[RemoteTarget]:
    """Give the service at ``plan.url``, after a look whether somebody listens there.

    Raises:
        TargetError: nobody listens, or ``plan.ready`` is set and does not answer 2xx soon.

    """
    if plan.url is None:
        raise TargetError("There is no service to measure: set target.url, or target.command to start one.")
    socket = str(Path(plan.root, plan.socket).resolve()) if plan.socket else None
    url, pprof_url, address = locate(plan.url, plan.pprof, socket)
    try:
        connect(address, timeout_s=_CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise TargetError(
            f"Nobody listens at {address} (target.url {redact(url)}): {error}. Is the service up, and is this its port?"
        ) from None
    if plan.ready != _READY_IS_UNSET:
        timeout_s = min(plan.startup_timeout_s, _READY_TIMEOUT_S)
        ready_url = urljoin(f"{url}/", plan.ready)
        said = poll_ready(ready_url, address, timeout_s=timeout_s, pause=time.sleep, tls=tls)
        if said is not None:
            raise TargetError(
                f"{redact(ready_url)} is not ready after {timeout_s:g} s: the last request {redact(said)}. "
                "Expected 2xx. Check target.ready, or look at the service."
            )
    yield RemoteTarget(url=url, pprof_url=pprof_url, socket=address.socket)
