"""From checked tables to the plan: defaults filled in, paths made absolute, bodies rendered to templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from pytest_goleak.config.rules import endpoint_name
from pytest_goleak.config.schema import (
    AuthTable,
    Document,
    EndpointTable,
    IgnoreTable,
    LoadKeys,
    MeasureKeys,
    TargetTable,
)
from pytest_goleak.config.value import TEMPLATE
from pytest_goleak.model.auth import Auth
from pytest_goleak.model.plan import Endpoint, IgnoreRule, LoadPlan, MeasurePlan, RunPlan, TargetPlan

__all__ = ["build", "load_plan", "measure_plan"]


def build(document: Document, *, root: Path, source: str | None) -> RunPlan:
    """Return the plan of a *document* that broke no rule; relative paths start from the directory *root*."""
    load = load_plan(document.load or LoadKeys(), LoadPlan())
    measure = measure_plan(document.measure or MeasureKeys(), MeasurePlan())
    return RunPlan(
        target=_target(document.target or TargetTable(), root),
        auth=_auth(document.auth or AuthTable(), root),
        load=load,
        measure=measure,
        endpoints=tuple(_endpoint(table, load, measure) for table in document.endpoints or ()),
        ignore=tuple(_ignore(table) for table in document.ignore or ()),
        source=source,
    )


def load_plan(keys: LoadKeys, base: LoadPlan) -> LoadPlan:
    """Return *base* with the *keys* that are set."""
    given = _given(driver=keys.driver, concurrency=keys.concurrency, keep_alive=keys.keep_alive, timeout_s=keys.timeout)
    if keys.concurrency is not None:
        given["is_fixed"] = True
    return replace(base, **given)


def measure_plan(keys: MeasureKeys, base: MeasurePlan) -> MeasurePlan:
    """Return *base* with the *keys* that are set; tolerance is set signal by signal."""
    given = _given(budget_s=keys.budget, idle_s=keys.idle, seed=keys.seed)
    if keys.tolerance is not None:
        tolerance = _given(
            bytes=keys.tolerance.bytes, objects=keys.tolerance.objects, goroutines=keys.tolerance.goroutines
        )
        given["tolerance"] = replace(base.tolerance, **tolerance)
    return replace(base, **given)


def _target(table: TargetTable, root: Path) -> TargetPlan:
    url = table.url
    if url is None and table.socket is not None:
        url = "http://localhost"  # the socket says where; HTTP still wants a name
    given = _given(
        url=url,
        build=_words(table.build),
        command=_words(table.command),
        env=table.env,
        ready=table.ready,
        pprof=table.pprof,
        memprofilerate=table.memprofilerate,
        source_root=_absolute(table.source_root, root),
        socket=_absolute(table.socket, root),
        startup_timeout_s=table.startup_timeout,
        build_timeout_s=table.build_timeout,
        timeout_s=table.timeout,
        max_response_bytes=table.max_response,
    )
    return TargetPlan(**given, cwd=_absolute(table.cwd, root) or str(root), root=str(root))


def _auth(table: AuthTable, root: Path) -> Auth:
    auth = Auth(
        header=table.header,
        query=table.query,
        scheme=table.scheme,
        basic=table.basic,
        token_env=table.token_env,
        token_file=_absolute(table.token_file, root),
        token_json=_absolute_location(table.token_json, root),
        token_command=_program(table.token_command, root),
        cert=_absolute(table.cert, root),
        key=_absolute(table.key, root),
        ca=_absolute(table.ca, root),
    )
    if auth.has_token and not (auth.header or auth.query or auth.basic):
        return replace(auth, header="Authorization")
    return auth


def _endpoint(table: EndpointTable, load: LoadPlan, measure: MeasurePlan) -> Endpoint:
    data = table.model_dump(by_alias=True, include={"name", "method", "path"}, exclude_none=True)
    given = _given(
        method=table.method, path=table.path, expect=_words(table.expect), mode=table.mode, xfail=table.xfail
    )
    body, content_type = _body(table)
    headers = dict(table.headers or {})
    if content_type and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    return Endpoint(
        **given,
        name=endpoint_name(data),
        headers=headers,
        body=body,
        load=load_plan(table, load),
        measure=measure_plan(table, measure),
    )


def _body(table: EndpointTable) -> tuple[str | None, str | None]:
    if table.json_body is not None:
        return table.json_body, "application/json"
    if table.form is not None:
        return _urlencode(table.form), "application/x-www-form-urlencoded"
    return table.body, None


def _urlencode(form: Mapping[str, str]) -> str:
    return "&".join(f"{_quote_around_templates(key)}={_quote_around_templates(text)}" for key, text in form.items())


def _quote_around_templates(text: str) -> str:
    """Encode *text*, but keep templates alive: only what they can expand to is encoded inside them."""
    encoded = ""
    end = 0
    for match in TEMPLATE.finditer(text):
        template = match[0]
        if match["kind"] == "choice":
            template = f"{{choice:{quote_plus(match['arguments'], safe=',')}}}"
        encoded += quote_plus(text[end : match.start()]) + template
        end = match.end()
    return encoded + quote_plus(text[end:])


def _ignore(table: IgnoreTable) -> IgnoreRule:
    return IgnoreRule(
        reason=(table.reason or "").strip(),
        function=table.function,
        top_function=table.top_function,
        any_function=table.any_function,
        created_by=table.created_by,
        expires=table.expires,
    )


def _absolute(path: str | None, root: Path) -> str | None:
    """Return *path* from *root*; one that starts with a template becomes a path only when the service starts."""
    if path is None or path.startswith("{"):
        return path
    return str(root / Path(path).expanduser())


def _absolute_location(location: str | None, root: Path) -> str | None:
    """Return ``FILE:KEY`` with an absolute file."""
    if location is None:
        return None
    file, _, key = location.rpartition(":")
    return f"{_absolute(file, root)}:{key}"


def _program(words: list[str] | None, root: Path) -> tuple[str, ...] | None:
    """Return a command whose program, where it is a relative path and not a name, starts from *root*."""
    if words is None:
        return None
    program = words[0]
    return (_absolute(program, root) or program if "/" in program else program, *words[1:])


def _words(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(given)


def _given(**settings: Any) -> dict[str, Any]:
    """Return the *settings* that are set, so that the defaults stay in the model alone."""
    return {name: value for name, value in settings.items() if value is not None}
