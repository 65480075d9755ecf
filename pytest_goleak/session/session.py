"""A run: one service, and any number of endpoints examined on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pytest_goleak.check.endpoint import Equipment, check_endpoint
from pytest_goleak.findings.hints import Rule
from pytest_goleak.findings.match import apply
from pytest_goleak.findings.reproduce import reproduce
from pytest_goleak.load.request import has_placeholders
from pytest_goleak.model.errors import ConfigError, GoleakError
from pytest_goleak.model.plan import Endpoint, RunPlan
from pytest_goleak.model.protocols import LoadDriver, ProgressListener
from pytest_goleak.model.report import EndpointReport, Outcome
from pytest_goleak.session.artifacts import Artifacts
from pytest_goleak.session.service import Service, SourceFactory
from pytest_goleak.session.today import today

__all__ = ["Arrangement", "GoleakSession", "unmeasured"]

LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Arrangement = Callable[[LoadDriver, Equipment], tuple[LoadDriver, Equipment]]
"""Puts something between the service and the judge: returns the driver and the equipment to use instead."""


class GoleakSession:
    """Examines endpoints of one service; a context manager that closes the service at the end.

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
        self.service = Service(plan, make_source=make_source, rules=rules)
        self._drivers = drivers
        self._artifacts = Artifacts(out) if out is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.service.close()

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
            equipment = self.service.prepare()
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
            driver, equipment = arrange(self.driver_for(endpoint), self.service.prepare())
        except GoleakError as failure:
            return unmeasured(endpoint, item_id, str(failure))
        examination = check_endpoint(endpoint, driver=driver, equipment=equipment, item_id=item_id, listen=listen)
        return self._redacted(examination.report)

    def _redacted(self, report: EndpointReport) -> EndpointReport:
        """Return *report* without the token, which texts of the user's code and of the service may carry."""
        return dataclasses.replace(
            report, reason=self.service.redact(report.reason), note=self.service.redact(report.note)
        )

    def refresh_after(self, report: EndpointReport) -> None:
        """Give the next endpoint a new process if *report* may have left this one in a bad state, and it is ours.

        Thousands of leaked goroutines slow down every profile after them.
        """
        if report.outcome in (Outcome.LEAK, Outcome.ERROR):
            self.service.renew()

    def driver_for(self, endpoint: Endpoint, driver: LoadDriver | None = None) -> LoadDriver:
        """Return *driver*, or the one that *endpoint* asks for.

        Raises:
            ConfigError: there is none of that name, it can't drive the endpoint, or load would go elsewhere.

        """
        chosen = driver or self.driver(endpoint.load.driver)
        if (why := chosen.unsupported(endpoint)) is not None:
            raise ConfigError(f"load driver {chosen.name!r} can't drive {endpoint.name!r}: {why}")
        host, own = urlsplit(endpoint.path).hostname, urlsplit(self.service.target.url).hostname
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
        target = self.service.target
        matched = apply(report.findings, self.service.plan.ignore, today=today())
        expired = [f"The ignore rule {rule.reason!r} expired on {rule.expires}." for rule in matched.expired]
        return dataclasses.replace(
            report,
            findings=matched.findings,
            note=" ".join(filter(None, [report.note, *(expired if report.findings else ())])),
            reproduce=tuple(
                reproduce(
                    endpoint,
                    item_id=report.id,
                    base_url=target.url,
                    pprof_url=target.pprof_url,
                    auth=self.service.plan.auth,
                    requests=report.requests,
                    socket=target.socket,
                )
            )
            if report.outcome is Outcome.LEAK
            else (),
        )


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
