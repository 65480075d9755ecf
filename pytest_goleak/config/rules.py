"""Combinations of settings that can't be meant, found in plain data so that one wrong type hides none of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_goleak.config import value
from pytest_goleak.config.problem import KeyPath, Problem, echo
from pytest_goleak.model.plan import Endpoint, MeasurePlan
from pytest_goleak.model.units import format_seconds

__all__ = [
    "check_attachment",
    "check_auth",
    "check_budget",
    "check_budgets",
    "check_endpoints",
    "check_hosts",
    "check_ignore",
    "check_target",
    "endpoint_name",
    "later_features",
]

Data = Mapping[str, Any]

_TOKEN_SOURCES = ("token_env", "token_file", "token_json", "token_command")
_TOKEN_WAYS = ("header", "query", "basic")
_BODIES = ("json", "body", "form")
_PATTERNS = ("function", "top_function", "any_function", "created_by")
_STARTED_ONLY = ("cwd", "env", "memprofilerate")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def later_features(data: Data) -> Iterator[Problem]:
    """Refuse the keys that only later versions can act on."""
    if "openapi" in data:
        yield Problem(
            path=("openapi",),
            message="this version can't read OpenAPI documents yet; list the operations as [[endpoints]] instead",
        )
    for path, endpoint in _tables(data, "endpoints"):
        if "grpc" in endpoint:
            yield Problem(
                path=(*path, "grpc"),
                message="this version can't send gRPC load yet; call the service in a Python scenario"
                " (goleak.assert_no_leak with a callable) instead, and remove this table",
            )
            continue
        for key in ("message", "protoset"):
            if key in endpoint:
                yield Problem(
                    path=(*path, key),
                    message="a key of gRPC endpoints, which this version can't drive yet;"
                    " HTTP endpoints take json, body or form",
                )


def check_target(data: Data) -> Iterator[Problem]:
    """Check that the service is either started by us or runs already."""
    target = _table(data, "target")
    at: KeyPath = ("target",)
    url = target.get("url")
    if "command" not in target:
        if "build" in target:
            yield Problem(path=(*at, "build"), message="build needs command, the program to start after it")
        for key in _STARTED_ONLY:
            if key in target:
                yield Problem(
                    path=(*at, key), message="only a service that we start can have it; add command, or remove it"
                )
        for key in ("url", "pprof"):
            if "{port}" in str(target.get(key)):
                message = "{port} is the free port that we give to command; add command, or write the port"
                yield Problem(path=(*at, key), value=echo(target[key]), message=message)
    elif isinstance(url, str) and "socket" not in target and not _has_port(url):
        yield Problem(
            path=(*at, "url"),
            value=echo(url),
            message="expected the port on which command listens: a fixed one, or {port} for a free one",
        )
    if "build_timeout" in target and "build" not in target:
        yield Problem(path=(*at, "build_timeout"), message="nothing is built; add build, or remove it")
    if "command" in target and not _tells_port(target):
        yield Problem(
            path=(*at, "command"),
            message="neither command nor env has {port}, so the service can't know where to listen;"
            ' add it, as in "-addr", "127.0.0.1:{port}", or set url to the fixed port that the service uses',
        )


def check_auth(data: Data) -> Iterator[Problem]:
    """Check that there is one token and one way to send it."""
    auth = _table(data, "auth")
    at: KeyPath = ("auth",)
    ways = [key for key in _TOKEN_WAYS if key in auth]
    sources = [key for key in _TOKEN_SOURCES if key in auth]
    if len(ways) > 1:
        yield Problem(path=(*at, ways[1]), message=f"the token is sent in one way; keep one of {' and '.join(ways)}")
    if len(sources) > 1:
        yield Problem(path=(*at, sources[1]), message=f"there is one token; keep one of {' and '.join(sources)}")
    if "scheme" in auth and not sources:
        ways.append("scheme")
    if ways and not sources:
        yield Problem(
            path=(*at, ways[0]),
            message="there is no token to send; add token_env, token_file, token_json or token_command",
        )
    for key in ("basic", "query"):
        if "scheme" in auth and key in auth:
            yield Problem(
                path=(*at, "scheme"), message=f"scheme goes before a token in a header; {key} has no place for it"
            )
    if "key" in auth and "cert" not in auth:
        yield Problem(path=(*at, "key"), message="key belongs to a client certificate; add cert")


def check_endpoints(data: Data) -> Iterator[Problem]:
    """Check every endpoint by itself, and that their names differ."""
    names: Counter[str] = Counter()
    for path, endpoint in _tables(data, "endpoints"):
        if "grpc" in endpoint:
            continue
        if "path" not in endpoint:
            yield Problem(path=(*path, "path"), message='missing; expected a path such as "/api/v1/users"')
        bodies = [key for key in _BODIES if key in endpoint]
        if len(bodies) > 1:
            yield Problem(
                path=(*path, bodies[1]), message=f"a request has one body; keep one of {' and '.join(bodies)}"
            )
        name = endpoint_name(endpoint)
        names[name] += 1
        if name and names[name] == 2:
            yield Problem(
                path=(*path, "name"),
                value=echo(name),
                message="another endpoint has this name already; give each one a name of its own",
            )


def endpoint_name(endpoint: Data) -> str:
    """Return the name of an endpoint, empty where it can't be told."""
    method = endpoint.get("method", Endpoint(name="").method)
    parts = [endpoint.get("name"), method, endpoint.get("path")]
    if isinstance(parts[0], str):
        return parts[0]
    if not isinstance(method, str) or not isinstance(parts[2], str):
        return ""
    try:
        return f"{value.method(method)} {parts[2]}"
    except ValueError:
        return ""


def check_ignore(data: Data) -> Iterator[Problem]:
    """Check that every known leak has a pattern and a reason."""
    for path, rule in _tables(data, "ignore"):
        if not any(key in rule for key in _PATTERNS):
            yield Problem(path=path, message=f"matches nothing; expected at least one of {', '.join(_PATTERNS)}")
        if "reason" not in rule:
            yield Problem(
                path=(*path, "reason"), message='missing; expected why this leak is accepted, such as "TICKET-1"'
            )


def check_budgets(data: Data) -> Iterator[Problem]:
    """Check that the wait for memory to drain fits into the time for an endpoint."""
    measure = _table(data, "measure")
    yield from check_budget(("measure",), measure, {})
    for path, endpoint in _tables(data, "endpoints"):
        yield from check_budget(path, endpoint, measure)


def check_budget(path: KeyPath, table: Data, outer: Data) -> Iterator[Problem]:
    """Check budget and idle where *table*, at *path*, sets one of them; the other may come from *outer*."""
    if "budget" not in table and "idle" not in table:
        return
    default = MeasurePlan()
    budget = _seconds(table.get("budget", outer.get("budget", default.budget_s)))
    idle = _seconds(table.get("idle", outer.get("idle")))
    if budget is None or idle is None or budget > idle:
        return
    if "budget" in table:
        key, expected = "budget", f"more than idle, the wait for memory to drain ({format_seconds(idle)})"
    else:
        key, expected = "idle", f"less than budget, the whole time of an endpoint ({format_seconds(budget)})"
    advice = "raise budget or lower idle"
    yield Problem(path=(*path, key), value=echo(table[key]), message=f"expected {expected}; {advice}")


def check_hosts(data: Data) -> Iterator[Problem]:
    """Check that load goes to the service only; without a known target there is nothing to compare."""
    target = _table(data, "target")
    allowed = {host for key in ("url", "pprof") if (host := _host(target.get(key)))}
    if "command" in target and "url" not in target:
        allowed |= _LOOPBACK
    if not allowed or not ("url" in target or "command" in target):
        return
    if allowed & _LOOPBACK:
        allowed |= _LOOPBACK
    for path, endpoint in _tables(data, "endpoints"):
        host = _host(endpoint.get("path"))
        if host and host not in allowed:
            yield Problem(
                path=(*path, "path"),
                value=echo(endpoint["path"]),
                message=f"another host than the target's; allowed: {', '.join(sorted(allowed))}."
                " Load goes to the service under test only: give a path, or change target.url",
            )


def check_attachment(data: Data) -> Iterator[Problem]:
    """Check that profiles come from the service that ``--goleak-url`` names, which the file did not know of."""
    target = _table(data, "target")
    service, profiled = _host(target.get("url")), _host(target.get("pprof"))
    if not service or not profiled:
        return
    if "{port}" in target["pprof"]:
        what = "the profiles come from a port of the service that the file starts"
    elif service != profiled and not {service, profiled} <= _LOOPBACK:
        what = f"the profiles come from {profiled}"
    else:
        return
    yield Problem(
        path=("target", "pprof"),
        value=echo(target["pprof"]),
        message=f"load would go to {service}, but {what}; give pprof as a path, or change target.url in the file",
    )


def _has_port(url: str) -> bool:
    try:
        return value.split_url(url).port is not None
    except ValueError:
        return True  # not a URL at all: the schema says so


def _tells_port(target: Data) -> bool:
    if "url" in target and "{port}" not in str(target["url"]):
        return True
    command, env = target.get("command"), target.get("env", {})
    if "socket" in target or not isinstance(command, list) or not isinstance(env, Mapping):
        return True
    return any("{port}" in str(word) for word in (*command, *env.values()))


def _host(url: object) -> str | None:
    """Return the host of a full URL, ``None`` for paths and all else."""
    if not isinstance(url, str):
        return None
    try:
        return value.split_url(value.TEMPLATE.sub("x", url)).hostname
    except ValueError:
        return None


def _seconds(given: object) -> float | None:
    try:
        return value.seconds(given)
    except ValueError:
        return None


def _table(data: Data, key: str) -> Data:
    table = data.get(key)
    return table if isinstance(table, Mapping) else {}


def _tables(data: Data, key: str) -> Iterator[tuple[KeyPath, Data]]:
    tables = data.get(key)
    for number, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, Mapping):
            yield (key, number), table
