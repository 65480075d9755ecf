"""Every error this package raises on purpose.

::

    GoleakError
    ├── ConfigError              a setting is wrong: file, key, value, what was expected
    ├── TargetError              the service could not be built, started, reached or kept alive
    │   └── TargetRestartedError it is not the process it was at the start
    ├── FetchError               a profile request got no usable answer
    │   ├── AuthError            401 or 403, or no token to send
    │   ├── FetchTimeoutError    no answer in time
    │   └── TooLargeError        more bytes than the limit allows
    ├── MalformedProfileError    the bytes are not the profile they claim to be
    ├── LoadDriverError          the load could not be driven as planned
    ├── MeasurementError         the outcome `error`: nothing is proven, and that is never a pass
    └── InconclusiveError        the outcome `inconclusive`, where `--goleak-strict` makes it a failure

    LeakError (AssertionError)   an assertion failed: there is a leak, or no proof that there is none

Messages follow one pattern: what happened, with the value; what was expected; what to do next.
No message carries a token: see :class:`pytest_goleak.model.auth.Secret`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_goleak.model.report import EndpointReport

__all__ = [
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
]


class GoleakError(Exception):
    """Base of all errors that a user can do something about."""


class ConfigError(GoleakError):
    """A setting is unknown, of the wrong type, or contradicts another one."""


class TargetError(GoleakError):
    """The service under test could not be built, started, reached or kept alive."""


class TargetRestartedError(TargetError):
    """The counters of the service fell: it restarted, or another replica answered."""


class FetchError(GoleakError):
    """A request for a profile or a counter got no usable answer."""


class AuthError(FetchError):
    """The service refused the token, or there is none to send."""


class FetchTimeoutError(FetchError):
    """The service did not answer in time."""


class TooLargeError(FetchError):
    """The answer, as sent or decompressed, exceeds the configured limit."""


class MalformedProfileError(GoleakError):
    """The bytes are truncated, inconsistent, or not a profile at all."""


class LoadDriverError(GoleakError):
    """The load driver is missing, misused, or could not send what was planned."""


class MeasurementError(GoleakError):
    """An endpoint's outcome is ``error``: nothing could be proven, and that is never a pass."""


class InconclusiveError(GoleakError):
    """An endpoint's outcome is ``inconclusive``, and ``--goleak-strict`` makes that a failure."""


class LeakError(AssertionError):
    """Raised by ``assert_no_leak``; carries the report that explains it."""

    def __init__(self, message: str, report: EndpointReport | None = None) -> None:
        super().__init__(message)
        self.report = report
        """The whole report of the endpoint, figures and findings included."""
