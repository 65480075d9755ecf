from __future__ import annotations

import copy
import json
import math
from dataclasses import fields, replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings

from pytest_goleak.model.observation import Signal
from pytest_goleak.model.report import EndpointReport, Finding, SignalEstimate
from pytest_goleak.report import jsondoc
from tests.report import samples

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_is_described():
    def undescribed(node, path=""):
        if isinstance(node, dict):
            for name, child in node.get("properties", {}).items():
                if "description" not in child and "$ref" not in child:
                    yield f"{path}.{name}"
            for key, child in node.items():
                yield from undescribed(child, f"{path}.{key}")

    assert list(undescribed(SCHEMA)) == []


def test_the_document_has_the_contracts_keys():
    document = jsondoc.to_dict(samples.RUN)

    assert list(document) == ["schema_version", "tool", "target", "seed", "endpoints"]
    assert document["tool"] == {"name": "pytest-goleak", "version": "0.1.0"}
    leak = document["endpoints"][1]
    assert leak["outcome"] == "leak"
    assert leak["signals"]["heap_bytes"] == {
        "per_request": 256.1,
        "low": 250.2,
        "high": 262.0,
        "p_value": 0.0004,
        "min_detectable": 1.9,
        "outcome": "leak",
    }
    assert leak["findings"][0]["function"] == "main.(*cache).put"
    assert leak["artifacts"]["heap_diff"].endswith(".pb.gz")


@pytest.mark.parametrize(
    ("noun", "document"),
    [
        (EndpointReport, jsondoc.endpoint_to_dict(samples.LEAK)),
        (Finding, jsondoc.endpoint_to_dict(samples.LEAK)["findings"][0]),
        (SignalEstimate, jsondoc.endpoint_to_dict(samples.LEAK)["signals"]["heap_bytes"]),
    ],
)
def test_no_field_of_the_model_is_forgotten(noun, document):
    assert set(document) == {field.name for field in fields(noun)}


def test_the_samples_are_valid_and_come_back():
    document = json.loads(jsondoc.render(samples.RUN))

    VALIDATOR.validate(document)
    assert jsondoc.from_dict(document) == samples.RUN


@settings(max_examples=40)
@given(samples.runs)
def test_any_run_is_valid_and_comes_back(run):
    document = json.loads(jsondoc.render(run))

    VALIDATOR.validate(document)
    assert jsondoc.from_dict(document) == run


@settings(max_examples=40)
@given(samples.endpoints)
def test_any_endpoint_travels_between_processes(endpoint):
    document = json.loads(json.dumps(jsondoc.endpoint_to_dict(endpoint), allow_nan=False))

    assert jsondoc.endpoint_from_dict(document) == endpoint


def test_the_target_travels_too():
    assert jsondoc.target_from_dict(jsondoc.target_to_dict(samples.TARGET)) == samples.TARGET


def test_json_has_no_nan_and_no_infinity():
    unknown = SignalEstimate(
        per_request=math.nan,
        low=-math.inf,
        high=math.inf,
        p_value=math.nan,
        min_detectable=math.inf,
        outcome=samples.INCONCLUSIVE.outcome,
    )
    report = replace(samples.INCONCLUSIVE, signals={Signal.GOROUTINES: unknown}, duration_s=math.inf)
    document = jsondoc.endpoint_to_dict(report)

    assert document["signals"]["goroutines"]["high"] is None
    assert "NaN" not in json.dumps(document)
    assert "Infinity" not in json.dumps(document)
    back = jsondoc.endpoint_from_dict(document).signals[Signal.GOROUTINES]
    assert (back.low, back.high, back.min_detectable) == (-math.inf, math.inf, math.inf)
    assert math.isnan(back.per_request)


def broken(change):
    document = copy.deepcopy(jsondoc.to_dict(samples.RUN))
    change(document)
    return document


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("seed"),
        lambda d: d.update(schema_version=2),
        lambda d: d.update(surplus=1),
        lambda d: d["endpoints"][1].update(outcome="ok"),
        lambda d: d["endpoints"][1].update(requests=-1),
        lambda d: d["endpoints"][1].update(surplus=1),
        lambda d: d["endpoints"][1]["signals"].update(rss={}),
        lambda d: d["endpoints"][1]["signals"]["heap_bytes"].update(p_value=1.5),
        lambda d: d["endpoints"][1]["signals"]["heap_bytes"].pop("high"),
        lambda d: d["endpoints"][1]["findings"][0].update(kind="memory"),
        lambda d: d["endpoints"][1]["findings"][0].update(line="41"),
        lambda d: d["endpoints"][1]["findings"][0].update(unit="KiB"),
        lambda d: d["endpoints"][1]["artifacts"].update(heap_before=None),
    ],
)
def test_broken_documents_are_rejected(change):
    assert not VALIDATOR.is_valid(broken(change))


def test_a_document_of_another_version_is_refused():
    with pytest.raises(ValueError, match=r"schema_version 2; expected 1"):
        jsondoc.from_dict(broken(lambda d: d.update(schema_version=2)))


@given(samples.endpoints)
def test_the_way_between_processes_takes_plain_data_alone(report):
    """What carries reports between processes knows the built-in types, and not their subclasses."""

    def check(value):
        assert type(value) in {dict, list, str, int, float, bool, type(None)}
        for each in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(each)

    check(jsondoc.endpoint_to_dict(report))
