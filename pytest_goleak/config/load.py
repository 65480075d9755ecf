"""Read the configuration: every file, option and marker argument becomes part of a plan, or of one error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_goleak.config import build, document, layers, rules
from pytest_goleak.config.document import find
from pytest_goleak.config.problem import Layer, Problem, fail, quote
from pytest_goleak.config.schema import Document, ShapeKeys
from pytest_goleak.config.translate import problems_of
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import Endpoint, RunPlan

__all__ = ["find", "from_mapping", "read", "require_target", "with_overrides"]

Options = Mapping[str, object]
"""Dotted keys and their values: ``{"target.url": "http://…", "measure.seed": 7}``; ``None`` is one not given."""

Settings = Mapping[str, Any]

_COMMAND_LINE = "command line"


def read(path: Path, *, overrides: Options | None = None, defaults: Options | None = None) -> RunPlan:
    """Return the plan of the file *path*.

    Args:
        path: a ``goleak.toml`` of any name, or a ``pyproject.toml`` with ``[tool.goleak]``.
        overrides: settings of the command line; stronger than the file, single endpoints included.
        defaults: ini settings; weaker than the file.

    Raises:
        ConfigError: one line for each problem: file, key, value, what was expected.

    """
    file = Layer(origin=str(path), data=document.read_settings(path), prefix=document.table_prefix(path))
    return _plan(file, root=path.resolve().parent, source=str(path), overrides=overrides, defaults=defaults)


def from_mapping(
    data: Mapping[str, object],
    *,
    root: Path,
    source: str | None = None,
    overrides: Options | None = None,
    defaults: Options | None = None,
) -> RunPlan:
    """Return the plan of settings that are data already, ``{}`` for those that have no file.

    Args:
        data: tables as the file has them.
        root: directory that relative paths start from.
        source: where *data* comes from, for messages.
        overrides: see :func:`read`.
        defaults: see :func:`read`.

    Raises:
        ConfigError: see :func:`read`.

    """
    file = Layer(origin=source or "settings", data=layers.plain(data))
    return _plan(file, root=root.resolve(), source=source, overrides=overrides, defaults=defaults)


def with_overrides(
    endpoint: Endpoint, *, overrides: Options | None = None, marker: Settings | None = None, **arguments: object
) -> Endpoint:
    """Return *endpoint* with a marker's and a call's arguments: any key of ``[load]`` and ``[measure]``.

    Args:
        endpoint: what the file says.
        overrides: settings of the command line, which are stronger than both.
        marker: arguments of the marker.
        arguments: those of the call, stronger than the marker's: ``budget="10s"``, ``tolerance={"bytes": 64}`` …;
            ``None`` is one not given.

    Raises:
        ConfigError: an argument is unknown, of the wrong type, or contradicts another one.

    """
    name = quote(endpoint.name)
    weak = Layer(origin=f"goleak marker of {name}", data=layers.nest(marker))
    call = Layer(origin=f"arguments for {name}", data=layers.nest(arguments))
    strong = Layer(origin=_COMMAND_LINE, data=layers.nest(overrides))
    lines = [layer.describe(problem) for layer in (weak, call) for problem in problems_of(ShapeKeys, layer.data)]
    lines += [strong.describe(problem) for problem in problems_of(Document, strong.data)]
    fail(lines)
    shape = layers.merge(layers.merge(weak.data, call.data), layers.shape_of(strong.data))
    outer = {"budget": endpoint.measure.budget_s, "idle": endpoint.measure.idle_s}
    problems = rules.check_budget((), shape, outer)
    fail([(call if call.has(problem.path) else weak).describe(problem) for problem in problems])
    keys = ShapeKeys.model_validate(shape)
    return replace(
        endpoint, load=build.load_plan(keys, endpoint.load), measure=build.measure_plan(keys, endpoint.measure)
    )


def require_target(plan: RunPlan) -> None:
    """Raise unless the plan says which service to test.

    Raises:
        ConfigError: neither a URL nor a command is set.

    """
    if plan.target.url is None and plan.target.command is None:
        raise ConfigError(
            f"{plan.source or document.FILE_NAME}: target: no service to test; expected url (a running service)"
            " or command (one to start), or --goleak-url URL on the command line"
        )


def _plan(
    file: Layer, *, root: Path, source: str | None, overrides: Options | None, defaults: Options | None
) -> RunPlan:
    weak = Layer(origin="ini options", data=layers.nest(defaults))
    strong = Layer(origin=_COMMAND_LINE, data=layers.nest(overrides))
    settings = layers.add_defaults(file.data, weak.data)
    effective = layers.add_overrides(settings, strong.data)
    found = [(layer, problem) for layer in (file, weak, strong) for problem in problems_of(Document, layer.data)]
    for problem in _combinations(settings, effective, is_attached=strong.has(("target", "url"))):
        # A key that is missing everywhere is missing in the file.
        layer = next((layer for layer in (strong, file, weak) if layer.has(problem.path)), file)
        found.append((layer, problem))
    fail([layer.describe(problem) for layer, problem in sorted(found, key=_place)])
    return build.build(Document.model_validate(effective), root=root, source=source)


def _combinations(settings: Settings, effective: Settings, *, is_attached: bool) -> Iterator[Problem]:
    """Check the file as it is written, and then what the command line makes of it."""
    for check in (
        rules.later_features,
        rules.check_target,
        rules.check_auth,
        rules.check_endpoints,
        rules.check_ignore,
    ):
        yield from check(settings)
    yield from rules.check_budgets(effective)
    yield from rules.check_hosts(effective)
    if is_attached:
        yield from rules.check_attachment(effective)


def _place(found: tuple[Layer, Problem]) -> tuple[int, int]:
    """Sort problems as the tables stand in the documentation, and endpoints in their order."""
    table, *rest = found[1].path
    known = list(Document.model_fields)
    number = rest[0] if rest and isinstance(rest[0], int) else 0
    return (known.index(table) if isinstance(table, str) and table in known else len(known), number)
