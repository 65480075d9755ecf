"""Compare a leak report with what the example service really planted.

Usage: ``python examples/demo.py REPORT.json PLANTED.json``

REPORT.json is what ``pytest --goleak --goleak-json REPORT.json`` wrote, PLANTED.json what the service prints with
``-planted``. Prints a line for each thing that is wrong, and one closing line such as
``found 11 of 11 planted leaks, 0 false alarms in 11 fixed twins``.

Exits with 0 only if every planted leak was found and blamed on the right function, and every fixed twin was
proven clean; with 1 if not, and with 2 if the documents cannot be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1


class DocumentError(Exception):
    """A document is missing, unreadable, or not what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One leak, as its planter describes it."""

    cause: str
    leaky: str
    """Method and path, as ``GET /leak/x``."""
    fixed: str
    functions: tuple[str, ...]
    """The function to blame, then names that are as good (the optional key ``also``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One endpoint, as the report judges it."""

    outcome: str
    reason: str
    top_function: str | None
    """Of the first finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How the report compares with the truth."""

    plants: int
    found: int
    false_alarms: int
    """Fixed twins that the report calls leaks."""
    complaints: tuple[str, ...]
    """A line for each thing that is wrong."""

    @property
    def closing_line(self) -> str:
        """The whole comparison in one line."""
        return (
            f"found {self.found} of {self.plants} planted leaks, "
            f"{self.false_alarms} false alarms in {self.plants} fixed twins"
        )


def score(results: Mapping[str, Result], plants: Sequence[Plant]) -> Score:
    """Return how *results*, by method and path, compare with *plants*."""
    complaints = [
        line for plant in plants for line in (*_complain_leaky(plant, results), *_complain_fixed(plant, results))
    ]
    known = {endpoint for plant in plants for endpoint in (plant.leaky, plant.fixed)}
    complaints += [
        f"false alarm: {endpoint}, where nothing is planted: {result.reason}"
        for endpoint, result in results.items()
        if endpoint not in known and result.outcome == "leak"
    ]
    return Score(
        plants=len(plants),
        found=sum(_is_leak(results, plant.leaky) for plant in plants),
        false_alarms=sum(_is_leak(results, plant.fixed) for plant in plants),
        complaints=tuple(complaints),
    )


def _is_leak(results: Mapping[str, Result], endpoint: str) -> bool:
    return endpoint in results and results[endpoint].outcome == "leak"


def _complain_leaky(plant: Plant, results: Mapping[str, Result]) -> Iterable[str]:
    result = results.get(plant.leaky)
    if result is None:
        yield f"missed: {plant.leaky} ({plant.cause}) is not in the report"
    elif result.outcome != "leak":
        yield f"missed: {plant.leaky} ({plant.cause}) is called {result.outcome}: {result.reason}"
    elif result.top_function not in plant.functions:
        blamed = result.top_function or "nothing"
        yield f"wrong function: {plant.leaky} ({plant.cause}) blames {blamed}, planted is {plant.functions[0]}"


def _complain_fixed(plant: Plant, results: Mapping[str, Result]) -> Iterable[str]:
    result = results.get(plant.fixed)
    if result is None:
        yield f"not proven clean: {plant.fixed} is not in the report"
    elif result.outcome == "leak":
        yield f"false alarm: {plant.fixed}: {result.reason}"
    elif result.outcome != "clean":
        yield f"not proven clean: {plant.fixed} is called {result.outcome}: {result.reason}"


def read_report(path: Path) -> dict[str, Result]:
    """Return the endpoints of the JSON report in *path*, by method and path.

    Raises:
        DocumentError: *path* cannot be read, or is not a report of a version that is known here.

    """
    document = _read_json(path)
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise DocumentError(f"{path}: schema_version is {version!r}, expected {SCHEMA_VERSION}: is it a leak report?")
    try:
        return {f"{endpoint['method']} {endpoint['path']}": _result(endpoint) for endpoint in document["endpoints"]}
    except (KeyError, TypeError) as error:
        raise DocumentError(f"{path}: not a leak report: {error!r}") from error


def _result(endpoint: Mapping[str, Any]) -> Result:
    findings = endpoint["findings"]
    return Result(
        outcome=endpoint["outcome"],
        reason=endpoint["reason"],
        top_function=findings[0]["function"] if findings else None,
    )


def read_planted(path: Path) -> list[Plant]:
    """Return the leaks that the service's list in *path* names.

    Raises:
        DocumentError: *path* cannot be read, is not such a list, or is empty: that would prove nothing.

    """
    document = _read_json(path)
    if not isinstance(document, list) or not document:
        raise DocumentError(f"{path}: expected a list of at least one planted leak, as `service -planted` prints it")
    try:
        return [
            Plant(
                cause=plant["cause"],
                leaky=plant["leaky"],
                fixed=plant["fixed"],
                functions=(plant["function"], *plant.get("also", ())),
            )
            for plant in document
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DocumentError(f"{path}: not a list of planted leaks: {error!r}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DocumentError(f"{path}: not a JSON document: {error}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison, and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare a leak report with what the example service planted.")
    parser.add_argument("report", type=Path, help="JSON report of pytest --goleak --goleak-json")
    parser.add_argument("planted", type=Path, help="what the service prints with -planted")
    arguments = parser.parse_args(argv)
    try:
        result = score(read_report(arguments.report), read_planted(arguments.planted))
    except DocumentError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    for complaint in result.complaints:
        print(complaint)
    print(result.closing_line)
    return 1 if result.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
