"""A service that we build, start, wait for and stop."""

from __future__ import annotations

import os
import shlex
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

from pytest_goleak.model.errors import TargetError
from pytest_goleak.model.plan import TargetPlan
from pytest_goleak.target.address import Address, address_of, connect, locate
from pytest_goleak.target.group import ProcessGroup, describe_exit, read_tail
from pytest_goleak.target.ready import poll_ready
from pytest_goleak.target.settings import expand, expand_all, find_free_port, with_go, with_memprofilerate

__all__ = ["StartedTarget", "start"]

_DEFAULT_URL = "http://127.0.0.1:{port}"
_GRACE_S = 5.0
_DYING_S = 1.0
"""The kernel closes a dying process's sockets before its parent can learn that it is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """A plan with nothing left open."""

    url: str
    pprof_url: str
    address: Address
    command: tuple[str, ...]
    build: tuple[str, ...] | None
    cwd: Path
    env: dict[str, str]
    """For the build; the service's has the profiling rate, too."""
    tmp: Path


class StartedTarget:
    """A service that runs as long as the ``with`` block of :func:`start`."""

    is_started_by_us = True

    def __init__(
        self,
        setting: _Setting,
        group: ProcessGroup,
        log: Path,
        redact: Callable[[str], str],
        *,
        memprofilerate: int | None = None,
    ) -> None:
        self.url = setting.url
        self.pprof_url = setting.pprof_url
        self.socket = setting.address.socket
        self.pid: int | None = group.pid
        self.memprofilerate = memprofilerate
        self._command = setting.command
        self._group = group
        self._log = log
        self._redact = redact
        self._last_words: str | None = None

    def check_alive(self) -> None:
        """Raise if the service ended, or does so at once: to be asked where something failed.

        Raises:
            TargetError: it did; the message has its command, how it ended, and its last lines.

        """
        self.check_alive_for(_DYING_S)

    def check_alive_for(self, seconds: float) -> None:
        """Let *seconds* pass, and raise as soon as the service ends meanwhile; see :meth:`check_alive`."""
        returncode = self._group.wait(seconds)
        if returncode is not None:
            raise self.error(f"The service ended by itself ({describe_exit(returncode)}).")

    def output(self) -> str:
        """Return the last lines the service wrote, also after it was stopped."""
        return self._redact(read_tail(self._log)) if self._last_words is None else self._last_words

    def stop(self) -> None:
        """Stop the service and all it started; its output stays readable."""
        self._group.stop()
        self._last_words = self.output()

    def error(self, what: str) -> TargetError:
        """Return an error that says *what* happened, with the command and the service's last lines."""
        return _error(what, self._command, self.output(), self._redact)


@contextmanager
def start(
    plan: TargetPlan,
    *,
    redact: Callable[[str], str],
    tls: ssl.SSLContext | None = None,
    grace_s: float = _GRACE_S,
    tmp: Path | None = None,
) -> Iterator[StartedTarget]:
    """Build and start the service of *plan*, wait until it is ready, and stop it at the end.

    Args:
        plan: What to run; ``plan.command`` is set.
        redact: Takes the secrets out of what the service wrote.
        tls: For asking an ``https`` service whether it is ready.
        grace_s: How long the service may take to stop after ``SIGTERM``.
        tmp: Temporary directory that ``{tmp}`` stands for, removed only if we are killed; without it a new one that
            lasts as long as the service.

    Raises:
        TargetError: the build failed or took too long, the program or a directory is missing, the port is taken, or
            the service ended or did not get ready in time.

    """
    own = TemporaryDirectory(prefix="goleak-", ignore_cleanup_errors=True) if tmp is None else nullcontext(str(tmp))
    with own as name:
        setting = _settle(plan, Path(name).resolve())
        if setting.build:
            _build(setting.build, setting, timeout_s=plan.build_timeout_s, redact=redact)
        _check_free(setting)
        log = setting.tmp / "service.log"
        env = with_memprofilerate(setting.env, plan.memprofilerate)
        group = ProcessGroup(
            setting.command, cwd=setting.cwd, env=env, log=log, tmp=setting.tmp, redact=redact, grace_s=grace_s
        )
        target = StartedTarget(setting, group, log, redact, memprofilerate=plan.memprofilerate)
        try:
            _wait_until_ready(target, setting, plan, tls)
            yield target
        finally:
            target.stop()


def _settle(plan: TargetPlan, tmp: Path) -> _Setting:
    assert plan.command is not None
    open_texts = (*plan.command, *plan.env.values())
    if not (plan.url or plan.socket) and not any("{port}" in text or "{url}" in text for text in open_texts):
        raise TargetError(
            f"Where does the service listen? target.command {shlex.join(plan.command)!r} does not contain "
            "{port} or {url}, and target.url is not set. Set one of them."
        )
    cwd = Path(plan.root, plan.cwd).resolve()
    if not cwd.is_dir():
        raise TargetError(f"target.cwd is {plan.cwd!r}, and {cwd} is not a directory. It is relative to {plan.root!r}.")
    values = {"tmp": str(tmp), "port": str(find_free_port())}
    socket = str(Path(plan.root, expand(plan.socket, values)).resolve()) if plan.socket else None
    url, pprof_url, address = locate(expand(plan.url or _DEFAULT_URL, values), expand(plan.pprof, values), socket)
    values["url"] = url
    env = {name: expand(value, values) for name, value in plan.env.items()}
    return _Setting(
        url=url,
        pprof_url=pprof_url,
        address=address,
        command=expand_all(plan.command, values),
        build=expand_all(plan.build, values) if plan.build else None,
        cwd=cwd,
        env=with_go({**os.environ, **env}),
        tmp=tmp,
    )


def _build(argv: Sequence[str], setting: _Setting, *, timeout_s: float, redact: Callable[[str], str]) -> None:
    log = setting.tmp / "build.log"
    group = ProcessGroup(argv, cwd=setting.cwd, env=setting.env, log=log, tmp=setting.tmp, redact=redact)
    try:
        returncode = group.wait(timeout_s)
    finally:
        group.stop()
    if returncode is None:
        raise _error(f"The build took longer than {timeout_s:g} s.", argv, redact(read_tail(log)), redact)
    if returncode:
        raise _error(f"The build failed ({describe_exit(returncode)}).", argv, redact(read_tail(log)), redact)


def _check_free(setting: _Setting) -> None:
    """Raise if somebody answers where the service is to listen: we would measure a stranger."""
    addresses = {setting.address, address_of(setting.pprof_url, socket=setting.address.socket)}
    for address in addresses:
        try:
            connect(address, timeout_s=1.0).close()
        except OSError:
            continue
        raise TargetError(
            f"{address} is taken: another process listens there already. Expected to start the service on it. "
            "Stop the other one, or let us choose a free port with {port} in target.command."
        )


def _wait_until_ready(target: StartedTarget, setting: _Setting, plan: TargetPlan, tls: ssl.SSLContext | None) -> None:
    url = urljoin(f"{setting.url}/", plan.ready)
    said = poll_ready(url, setting.address, timeout_s=plan.startup_timeout_s, pause=target.check_alive_for, tls=tls)
    target.check_alive_for(0.0)
    if said is not None:
        raise target.error(
            f"The service is not ready after {plan.startup_timeout_s:g} s: the last request to {url} {said}. "
            "Expected 2xx; set target.ready to a path that answers so, without a token."
        )


def _error(what: str, argv: Sequence[str], output: str, redact: Callable[[str], str]) -> TargetError:
    wrote = f"Its last lines:\n{output}" if output else "It wrote nothing."
    return TargetError(f"{redact(what)} Command: {redact(shlex.join(argv))}\n{wrote}")
