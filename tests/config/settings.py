"""Short ways to read settings in the tests of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_goleak.config import document, load
from pytest_goleak.model.errors import ConfigError
from pytest_goleak.model.plan import RunPlan

ROOT = Path("/project")
URL = '[target]\nurl = "http://127.0.0.1:8080"\n'


def plan_of(toml: str, **options: Mapping[str, object]) -> RunPlan:
    return plan_of_data(document.parse(toml, source="goleak.toml"), **options)


def plan_of_data(data: Mapping[str, Any], **options: Mapping[str, object]) -> RunPlan:
    return load.from_mapping(data, root=ROOT, source="goleak.toml", **options)


def complaints(toml: str, **options: Mapping[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan_of(toml, **options)
    # Neither the parser's nor pydantic's error may hang on: a traceback would show the values of secrets.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return str(caught.value).splitlines()


def complaint(toml: str, **options: Mapping[str, object]) -> str:
    (line,) = complaints(toml, **options)
    return line
