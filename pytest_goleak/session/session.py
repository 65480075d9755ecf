"""A run: one target, started or attached to once, and any number of endpoints examined on it."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self, TypeGuard
from urllib.parse import urlsplit

from pytest_goleak.check.endpoint import Equipment, check_endpoint
from pytest_goleak.check.source import PprofSource
from pytest_goleak.config.load import from_mapping, require_target
from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.fetch.redact import Redactor
from pytest_goleak.fetch.secret import resolve_token
from pytest_goleak.fetch.tls import make_tls_context
from pytest_goleak.findings.hints import Rule
from pytest_goleak.findings.match import apply
from pytest_goleak.findings.reproduce import reproduce
from pytest_goleak.findings.source import make_reader, source_roots
from pytest_goleak.load.request import has_placeholders
from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import ConfigError, GoleakError, TargetError
from pytest_goleak.model.plan import Endpoint, RunPlan
from pytest_goleak.model.protocols import Fetcher, LoadDriver, ProgressListener, Source, Target
from pytest_goleak.model.report import EndpointReport, Outcome, TargetInfo
from pytest_goleak.session.artifacts import Artifacts
from pytest_goleak.session.clock import MonotonicClock
from pytest_goleak.session.replicas import require_one_process
from pytest_goleak.session.today import today
from pytest_goleak.target.buildinfo import go_version
from pytest_goleak.target.open import open_target

__all__ = ["Arrangement", "GoleakSession", "start", "unmeasured"]

DEFAULT_SAMPLE_BYTES = 512 * 1024
"""Go's own ``runtime.MemProfileRate``."""

LOOPBACK = {"127.0.0.1", "::1", "localhost"}

SourceFactory = Callable[[Target, Fetcher], Source | None]

Arrangement = Callable[[LoadDriver, Equipment], tuple[LoadDriver, Equipment]]
"""Puts something between the service and the judge: returns the driver and the equipment to use instead."""


class GoleakSession:
    """Owns the target and the connection to it; opens both at first use, closes them at the end.

    Args:
        plan: of the whole run.
        drivers: load drivers by name.
        out: directory of the artifacts; ``None`` keeps none.
        rules: diagnosis rules of third parties.
        make_source: gives another source of levels than the service's pprof endpoints.

    """

    def __init__(
        self,
        plan: RunPlan,
        *,
        drivers: Mapping[str, Callable[[], LoadDriver]],
        out: Path | None = None,
        rules: Sequence[Rule] = (),
        make_source: SourceFactory = lambda _target, _fetcher: None,
    ) -> None:
        self.plan = plan
        self._own_plan = plan
        self._drivers = drivers
        self._artifacts = Artifacts(out) if out is not None else None
        self._rules = tuple(rules)
        self._make_source = make_source
        self._clock = MonotonicClock()
        self._stack = ExitStack()
        self._target: Target | None = None
        self._equipment: Equipment | None = None
        self._failure: GoleakError | None = None
        self._is_prepared = False
        self._redact = Redactor()
        self._token: Secret | None = None
        self._build: TemporaryDirectory[str] | None = None
        self._used: object = None
        self._info = TargetInfo(url=plan.target.url or "", started_by_us=plan.target.is_started_by_us)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

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

    # --- the target ------------------------------------------------------------------------------------------------

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
                self._redact.add(self._token, user=self.plan.auth.basic)
        return self._token

    def _open_own(self, tls: ssl.SSLContext) -> AbstractContextManager[Target]:
        """Return the plan's own service; what was built once serves for every later start."""
        plan = self.plan.target
        if not plan.is_started_by_us:
            return open_target(plan, redact=self._redact, tls=tls)
        if self._build is None:
            self._build = TemporaryDirectory(prefix="goleak-build-", ignore_cleanup_errors=True)
        else:
            plan = dataclasses.replace(plan, build=None)
        return open_target(plan, redact=self._redact, tls=tls, tmp=Path(self._build.name).resolve())

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

    # --- endpoints -------------------------------------------------------------------------------------------------

    def driver(self, name: str) -> LoadDriver:
        """Return the load driver *name*.

        Raises:
            ConfigError: no plugin offers it; the message lists those that there are.

        """
        if name not in self._drivers:
            raise ConfigError(
                f"load driver {name!r} is not known. Expected one of: {', '.join(sorted(self._drivers))}. Further "
                f"drivers come from plugins that implement pytest_goleak_load_drivers."
            )
        return self._drivers[name]()

    def check(
        self,
        endpoint: Endpoint,
        *,
        item_id: str,
        driver: LoadDriver | None = None,
        listen: ProgressListener = lambda _: None,
    ) -> EndpointReport:
        """Examine *endpoint*, write its artifacts, and return its report; never raises for what the service does."""
        try:
            driver = self.driver_for(endpoint, driver)
            is_varied = has_placeholders(endpoint)
            equipment = self.prepare()
        except GoleakError as failure:
            return unmeasured(endpoint, item_id, str(failure))
        examination = check_endpoint(
            endpoint,
            driver=driver,
            equipment=equipment,
            item_id=item_id,
            is_varied=is_varied,
            listen=listen,
        )
        report = self._completed(self._redacted(examination.report), endpoint)
        report = self._with_artifacts(report, examination.profiles)
        self.refresh_after(report)
        return report

    def examine(
        self,
        endpoint: Endpoint,
        *,
        item_id: str,
        arrange: Arrangement = lambda driver, equipment: (driver, equipment),
        listen: ProgressListener = lambda _: None,
    ) -> EndpointReport:
        """Examine *endpoint* as *arrange* sets it up, and leave no artifacts: for controls and calibration."""
        try:
            driver, equipment = arrange(self.driver_for(endpoint), self.prepare())
        except GoleakError as failure:
            return unmeasured(endpoint, item_id, str(failure))
        examination = check_endpoint(endpoint, driver=driver, equipment=equipment, item_id=item_id, listen=listen)
        return self._redacted(examination.report)

    def _redacted(self, report: EndpointReport) -> EndpointReport:
        """Return *report* without the token, which texts of the user's code and of the service may carry."""
        return dataclasses.replace(report, reason=self._redact(report.reason), note=self._redact(report.note))

    def refresh_after(self, report: EndpointReport) -> None:
        """Give the next endpoint a new process if *report* may have left this one in a bad state, and it is ours.

        Thousands of leaked goroutines slow down every profile after them.
        """
        if report.outcome in (Outcome.LEAK, Outcome.ERROR) and self._used is None and self.plan.target.is_started_by_us:
            self._stop()

    def driver_for(self, endpoint: Endpoint, driver: LoadDriver | None = None) -> LoadDriver:
        """Return *driver*, or the one that *endpoint* asks for.

        Raises:
            ConfigError: there is none of that name, it can't drive the endpoint, or load would go elsewhere.

        """
        chosen = driver or self.driver(endpoint.load.driver)
        if (why := chosen.unsupported(endpoint)) is not None:
            raise ConfigError(f"load driver {chosen.name!r} can't drive {endpoint.name!r}: {why}")
        host, own = urlsplit(endpoint.path).hostname, urlsplit(self.target.url).hostname
        if host is not None and not ({host, own} <= LOOPBACK or host == own):
            raise ConfigError(
                f"{endpoint.name!r} would send load to {host!r}, and the service under test is at {own!r}. Expected a "
                f"path, or a URL on the service's own host."
            )
        return chosen

    def _with_artifacts(self, report: EndpointReport, profiles: Mapping[str, bytes]) -> EndpointReport:
        """Write *profiles* where artifacts are kept; a full disk costs no verdict."""
        if self._artifacts is None:
            return report
        try:
            return dataclasses.replace(report, artifacts=self._artifacts.write(report.id, report.name, profiles))
        except OSError as problem:
            note = (
                f"The profiles could not be kept: {problem.filename}: {problem.strerror}. Choose another --goleak-out."
            )
            return dataclasses.replace(report, note=" ".join(filter(None, [report.note, note])))

    def _completed(self, report: EndpointReport, endpoint: Endpoint) -> EndpointReport:
        matched = apply(report.findings, self.plan.ignore, today=today())
        expired = [f"The ignore rule {rule.reason!r} expired on {rule.expires}." for rule in matched.expired]
        return dataclasses.replace(
            report,
            findings=matched.findings,
            note=" ".join(filter(None, [report.note, *(expired if report.findings else ())])),
            reproduce=tuple(
                reproduce(
                    endpoint,
                    item_id=report.id,
                    base_url=self.target.url,
                    pprof_url=self.target.pprof_url,
                    auth=self.plan.auth,
                    requests=report.requests,
                    socket=self.target.socket,
                )
            )
            if report.outcome is Outcome.LEAK
            else (),
        )


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


def unmeasured(endpoint: Endpoint, item_id: str, reason: str, outcome: Outcome = Outcome.ERROR) -> EndpointReport:
    """Return the report of an endpoint that no request was sent to."""
    return EndpointReport(
        id=item_id,
        name=endpoint.name,
        method=endpoint.method,
        path=endpoint.path,
        outcome=outcome,
        reason=reason,
        seed=endpoint.measure.seed,
        xfail=endpoint.xfail,
    )
