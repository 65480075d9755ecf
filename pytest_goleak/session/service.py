"""The service under test: started or attached to once, for as many endpoints as are examined on it."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeGuard

from pytest_goleak.check.endpoint import Equipment
from pytest_goleak.check.source import PprofSource
from pytest_goleak.config.load import from_mapping, require_target
from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.fetch.redact import Redactor
from pytest_goleak.fetch.secret import resolve_token
from pytest_goleak.fetch.tls import make_tls_context
from pytest_goleak.findings.hints import Rule
from pytest_goleak.findings.source import make_reader, source_roots
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import ConfigError, GoleakError, TargetError
from pytest_goleak.model.plan import RunPlan
from pytest_goleak.model.protocols import Fetcher, Source, Target
from pytest_goleak.model.report import TargetInfo
from pytest_goleak.session.clock import MonotonicClock
from pytest_goleak.session.replicas import require_one_process
from pytest_goleak.target.buildinfo import go_version
from pytest_goleak.target.open import open_target

__all__ = ["DEFAULT_SAMPLE_BYTES", "Service", "SourceFactory", "start"]

DEFAULT_SAMPLE_BYTES = 512 * 1024
"""Go's own ``runtime.MemProfileRate``."""

SourceFactory = Callable[[Target, Fetcher], Source | None]


class Service:
    """Owns the target and the connection to it; opens both at first use, closes them at the end.

    Args:
        plan: of the whole run.
        make_source: gives another source of levels than the service's pprof endpoints.
        rules: diagnosis rules of third parties.

    """

    def __init__(self, plan: RunPlan, *, make_source: SourceFactory, rules: Sequence[Rule] = ()) -> None:
        self.plan = plan
        self.redact = Redactor()
        self._own_plan = plan
        self._make_source = make_source
        self._rules = tuple(rules)
        self._clock = MonotonicClock()
        self._stack = ExitStack()
        self._target: Target | None = None
        self._equipment: Equipment | None = None
        self._failure: GoleakError | None = None
        self._is_prepared = False
        self._token: Secret | None = None
        self._build: TemporaryDirectory[str] | None = None
        self._used: object = None
        self._info = TargetInfo(url=plan.target.url or "", started_by_us=plan.target.is_started_by_us)

    def close(self) -> None:
        """Close the connection, stop the service if it is ours, and remove what was built."""
        self._stop()
        if self._build is not None:
            self._build.cleanup()
            self._build = None

    def _stop(self) -> None:
        self._equipment = self._target = None
        self._is_prepared = False
        self._stack.close()

    def renew(self) -> None:
        """Have a new process started at the next use, where the service is the plan's own and started by us."""
        if self._used is None and self.plan.target.is_started_by_us:
            self._stop()

    def use(self, target: object, auth: Auth) -> None:
        """Measure *target*, a URL or what :func:`start` gave, authenticated by *auth*; ``None`` is the plan's own.

        Raises:
            ConfigError: *target* is neither.

        """
        if target is self._used and auth == self.plan.auth:
            return
        self.close()
        self._used = target
        self._failure = self._token = None
        self.plan = dataclasses.replace(self._own_plan, auth=auth)
        if isinstance(target, str):
            attached = dataclasses.replace(self.plan.target, url=target, build=None, command=None)
            self.plan = dataclasses.replace(self.plan, target=attached)
        elif is_target(target):
            self._target = target
        elif target is not None:
            raise ConfigError(
                f"the fixture goleak_target returned {target!r}; expected the service's URL, or what goleak_process "
                f"returned"
            )

    @property
    def target(self) -> Target:
        """The service, built and started if need be.

        Raises:
            TargetError: it can't be; asked again, the same error comes at once.

        """
        if self._failure is not None:
            raise self._failure
        if self._target is None:
            require_target(self.plan)
            try:
                self._resolve_token()
                tls = make_tls_context(self.plan.auth, root=self.plan.target.root)
                self._target = self._stack.enter_context(self._open_own(tls))
            except GoleakError as failure:
                self._failure = failure
                raise
        return self._target

    def _resolve_token(self) -> Secret | None:
        """Return the token; from now on no report shows it."""
        if self._token is None:
            self._token = resolve_token(self.plan.auth, root=self.plan.target.root)
            if self._token is not None:
                self.redact.add(self._token, user=self.plan.auth.basic)
        return self._token

    def _open_own(self, tls: ssl.SSLContext) -> AbstractContextManager[Target]:
        """Return the plan's own service; what was built once serves for every later start."""
        plan = self.plan.target
        if not plan.is_started_by_us:
            return open_target(plan, redact=self.redact, tls=tls)
        if self._build is None:
            self._build = TemporaryDirectory(prefix="goleak-build-", ignore_cleanup_errors=True)
        else:
            plan = dataclasses.replace(plan, build=None)
        return open_target(plan, redact=self.redact, tls=tls, tmp=Path(self._build.name).resolve())

    @property
    def equipment(self) -> Equipment:
        """What endpoints are examined with.

        Raises:
            GoleakError: the service can't be started, reached, or asked for profiles.

        """
        if self._equipment is None:
            target = self.target
            fetcher = self._stack.enter_context(self._connect())
            profiles = fetcher.index()
            source = self._make_source(target, fetcher) or PprofSource(fetcher, self._clock, profiles=profiles)
            self._equipment = Equipment(
                target=target,
                fetcher=fetcher,
                source=source,
                clock=self._clock,
                profiles=profiles,
                sample_bytes=target.memprofilerate or DEFAULT_SAMPLE_BYTES,
                socket=target.socket,
                read_source=make_reader(source_roots(self.plan.target)),
                extra_rules=self._rules,
            )
            self._info = TargetInfo(
                url=target.url,
                go_version=go_version(target.pid) if target.pid is not None else "",
                started_by_us=target.is_started_by_us,
                profiles=profiles,
            )
        return self._equipment

    def _connect(self) -> HttpFetcher:
        """Return a fetcher with a connection of its own."""
        target, plan = self.target, self.plan.target
        return HttpFetcher(
            target.pprof_url,
            auth=self.plan.auth,
            root=plan.root,
            timeout_s=plan.timeout_s,
            max_response_bytes=plan.max_response_bytes,
            socket=target.socket,
            alive=target.check_alive,
            base_url=target.url,
            token=self._resolve_token(),
        )

    def prepare(self) -> Equipment:
        """Return the equipment, once it is known that one single process answers; that is asked at the first use.

        Raises:
            TargetError: several processes answer; asked again, the same error comes at once.
            GoleakError: see :attr:`equipment`.

        """
        equipment = self.equipment
        if not self._is_prepared:
            if not equipment.target.is_started_by_us:
                try:
                    require_one_process(self._connect)
                except TargetError as failure:
                    self._failure = failure
                    raise
                except GoleakError:
                    pass  # a service that limits its connections; by the one that we have it can be measured
            self._is_prepared = True
        return equipment

    @property
    def info(self) -> TargetInfo:
        """What is known of the service; little before it was opened."""
        return self._info


def start(plan: RunPlan, settings: Mapping[str, object]) -> AbstractContextManager[Target]:
    """Build and start a service, for as long as the context lasts.

    Args:
        plan: gives the whole ``[target]`` where *settings* are empty, and the directory that paths start from.
        settings: keys of ``[target]``.

    Raises:
        ConfigError: a setting is wrong.

    """
    target = plan
    if settings:
        target = from_mapping({"target": settings}, root=Path(plan.target.root), source="goleak_process")
    require_target(target)
    redact = Redactor()
    if (token := resolve_token(plan.auth, root=plan.target.root)) is not None:
        redact.add(token, user=plan.auth.basic)
    return open_target(target.target, redact=redact, tls=make_tls_context(plan.auth, root=plan.target.root))


def is_target(candidate: object) -> TypeGuard[Target]:
    """Whether *candidate* is a service that was opened."""
    return all(hasattr(candidate, name) for name in ("url", "pprof_url", "memprofilerate", "check_alive", "output"))
