"""Leak regression tests of running Go services, as a pytest plugin.

The names below are public; everything else may change. Importing this package imports nothing heavy: names are
looked up when they are used (PEP 562), because pytest imports it at every start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_goleak.model.auth import Auth
    from pytest_goleak.model.errors import (
        AuthError,
        ConfigError,
        FetchError,
        FetchTimeoutError,
        GoleakError,
        InconclusiveError,
        LeakError,
        LoadDriverError,
        MalformedProfileError,
        MeasurementError,
        TargetError,
        TargetRestartedError,
        TooLargeError,
    )
    from pytest_goleak.model.growth import GrowthClass, Point
    from pytest_goleak.model.observation import LoadResult, Observation, Signal
    from pytest_goleak.model.plan import Endpoint, RunPlan, Tolerance
    from pytest_goleak.model.protocols import Fetcher, LoadDriver, LoadJob, Source, Target
    from pytest_goleak.model.report import EndpointReport, Finding, Outcome, RunReport, SignalEstimate

__version__ = "0.1.0"

_HOME = {
    "auth": ("Auth",),
    "errors": (
        "AuthError",
        "ConfigError",
        "FetchError",
        "FetchTimeoutError",
        "GoleakError",
        "InconclusiveError",
        "LeakError",
        "LoadDriverError",
        "MalformedProfileError",
        "MeasurementError",
        "TargetError",
        "TargetRestartedError",
        "TooLargeError",
    ),
    "growth": ("GrowthClass", "Point"),
    "observation": ("LoadResult", "Observation", "Signal"),
    "plan": ("Endpoint", "RunPlan", "Tolerance"),
    "protocols": ("Fetcher", "LoadDriver", "LoadJob", "Source", "Target"),
    "report": ("EndpointReport", "Finding", "Outcome", "RunReport", "SignalEstimate"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Auth",
    "AuthError",
    "ConfigError",
    "Endpoint",
    "EndpointReport",
    "FetchError",
    "FetchTimeoutError",
    "Fetcher",
    "Finding",
    "GoleakError",
    "GrowthClass",
    "InconclusiveError",
    "LeakError",
    "LoadDriver",
    "LoadDriverError",
    "LoadJob",
    "LoadResult",
    "MalformedProfileError",
    "MeasurementError",
    "Observation",
    "Outcome",
    "Point",
    "RunPlan",
    "RunReport",
    "Signal",
    "SignalEstimate",
    "Source",
    "Target",
    "TargetError",
    "TargetRestartedError",
    "Tolerance",
    "TooLargeError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.model.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
