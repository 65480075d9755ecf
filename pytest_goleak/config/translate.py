"""What pydantic found, in the words of the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pytest_goleak.config.problem import KeyPath, Problem, conceal, echo
from pytest_goleak.config.schema import Document, Table
from pytest_goleak.config.value import ExplainedError

__all__ = ["problems_of"]

_LATER = frozenset({"openapi", "grpc", "message", "protoset"})
"""Known, but nothing to suggest: this version refuses them."""


def problems_of(table: type[Table], data: Mapping[str, Any]) -> list[Problem]:
    """Return all that is wrong with the types and values of *data*; combinations are not looked at."""
    try:
        table.model_validate(data)
    except ValidationError as error:
        return [_problem(table, details) for details in error.errors(include_url=False)]
    return []


def _problem(table: type[Table], details: Mapping[str, Any]) -> Problem:
    path: KeyPath = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == "extra_forbidden":
        return _unknown_key(table, path, details["input"])
    fields = list(_fields_on(table, path))
    cause = details.get("ctx", {}).get("error")
    expected = f"expected {fields[-1].description}" if fields else "expected a table"
    return Problem(
        path=path,
        value=_shown(fields, details["input"]),
        message=str(cause) if isinstance(cause, ExplainedError) else expected,
    )


def _unknown_key(root: type[Table], path: KeyPath, given: object) -> Problem:
    table = _table_at(root, path[:-1])
    key = str(path[-1])
    known = [name for name in _keys(table) if name not in _LATER]
    nearest = difflib.get_close_matches(key, known, n=1)
    homes = [heading for heading, other in _headed_tables() if other is not table and key in _keys(other)]
    if nearest:
        advice = f'did you mean "{nearest[0]}"?'
    elif root is Document and homes:
        advice = f"it is a key of {' and '.join(homes)}"
    else:
        advice = f"known keys here: {', '.join(sorted(known))}"
    # The value is as secret as that of the key it was meant to be; when nobody knows which one, it stays unsaid.
    likely = [*_fields_on(root, path[:-1]), *([_field(table, nearest[0])] if nearest else [])]
    shown = _shown(likely, given) if nearest else conceal(given)
    return Problem(path=path, value=shown, message=f"unknown key; {advice}")


def _shown(fields: list[FieldInfo], given: object) -> str:
    return echo(given) if all(field.repr for field in fields) else conceal(given)


def _fields_on(table: type[Table], path: KeyPath) -> Iterator[FieldInfo]:
    """Walk from *table* along *path* as far as the schema reaches."""
    at: type[Table] | None = table
    for part in path:
        if isinstance(part, int):
            continue
        if at is None or part not in _keys(at):
            return
        field = _field(at, part)
        yield field
        at = _inner_table(field.annotation)


def _table_at(root: type[Table], path: KeyPath) -> type[Table]:
    fields = list(_fields_on(root, path))
    return (_inner_table(fields[-1].annotation) if fields else root) or root


def _inner_table(annotation: object) -> type[Table] | None:
    """Return the table type in ``Table``, ``Table | None``, ``list[Table] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if issubclass(annotation, Table) else None
    return next(filter(None, map(_inner_table, get_args(annotation))), None)


def _keys(table: type[Table]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _field(table: type[Table], key: str) -> FieldInfo:
    return _keys(table)[key]


def _headed_tables() -> Iterator[tuple[str, type[Table]]]:
    for key, field in _keys(Document).items():
        if inner := _inner_table(field.annotation):
            yield (f"[[{key}]]" if "list[" in str(field.annotation) else f"[{key}]"), inner
