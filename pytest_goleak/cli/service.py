"""Checks of the service itself: what it is, whom it lets in, and whether it is one process."""

from __future__ import annotations

from dataclasses import replace

from pytest_goleak.cli.check import Check, Status
from pytest_goleak.fetch.fetcher import HttpFetcher
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import AuthError, GoleakError
from pytest_goleak.model.plan import RunPlan
from pytest_goleak.model.protocols import Target
from pytest_goleak.model.report import TargetInfo
from pytest_goleak.session.replicas import CONNECTIONS, require_one_process

__all__ = ["check_go_version", "check_one_process", "check_token", "describe"]


def describe(plan: RunPlan, target: Target) -> Check:
    """Return where the service runs."""
    how = "built and started" if plan.target.build else "started"
    if not plan.target.is_started_by_us:
        how = "runs already"
    elif target.pid is not None:
        how += f" as process {target.pid}"
    via = f" (unix socket {target.socket})" if target.socket else ""
    return Check(name="service", status=Status.OK, detail=f"{target.url}{via}, {how}")


def check_token(plan: RunPlan, target: Target) -> Check:
    """Return whether the service asks for the token that it was sent."""
    if not plan.auth.has_token:
        return Check(name="token", status=Status.OK, detail="none is configured, and none is needed")
    without = Auth(cert=plan.auth.cert, key=plan.auth.key, ca=plan.auth.ca)
    try:
        with _fetcher(replace(plan, auth=without), target) as fetcher:
            fetcher.fetch("goroutine")
    except AuthError:
        return Check(name="token", status=Status.OK, detail="accepted; without it profiles are refused")
    except GoleakError as problem:
        return Check(
            name="token", status=Status.OK, detail=f"accepted; without it profiles can't be had either: {problem}"
        )
    return Check(
        name="token",
        status=Status.WARN,
        detail="profiles are served without the token, too",
        advice="If that is not meant to be so, look at how the service protects pprof; else leave [auth] out.",
    )


def check_go_version(info: TargetInfo, profiles: tuple[str, ...]) -> Check:
    """Return which Go built the service, as far as that can be told from here."""
    if info.go_version:
        return Check(name="go", status=Status.OK, detail=info.go_version)
    since = "1.26 or newer, since it offers goroutineleak" if "goroutineleak" in profiles else "not known"
    return Check(name="go", status=Status.OK, detail=f"{since}; a service that we start tells its version")


def check_one_process(plan: RunPlan, target: Target) -> Check:
    """Return whether one single process answers at the URL: on every new connection, the same one."""
    try:
        require_one_process(lambda: _fetcher(plan, target))
    except GoleakError as problem:
        return Check(name="one process", status=Status.FAIL, detail=str(problem))
    return Check(name="one process", status=Status.OK, detail=f"the same one on {CONNECTIONS} connections")


def _fetcher(plan: RunPlan, target: Target) -> HttpFetcher:
    return HttpFetcher(
        target.pprof_url,
        auth=plan.auth,
        root=plan.target.root,
        timeout_s=plan.target.timeout_s,
        max_response_bytes=plan.target.max_response_bytes,
        socket=target.socket,
        base_url=target.url,
    )
