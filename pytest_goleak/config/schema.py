"""The tables of ``goleak.toml``: their keys, the types of these, and in words what each one expects.

A field's description completes the sentence "expected …" in error messages.
``repr=False`` marks values that may be secrets; messages name their type only.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from pytest_goleak.config import value
from pytest_goleak.model.plan import ClientMode

__all__ = [
    "AuthTable",
    "Document",
    "EndpointTable",
    "IgnoreTable",
    "LoadKeys",
    "MeasureKeys",
    "ShapeKeys",
    "Table",
    "TargetTable",
    "ToleranceTable",
]

Text = Annotated[str, AfterValidator(value.text)]
Argument = Annotated[str, AfterValidator(value.without_nul)]
Words = Annotated[list[Argument], Field(min_length=1), AfterValidator(value.words)]
Seconds = Annotated[float, BeforeValidator(value.seconds)]
Size = Annotated[int, BeforeValidator(value.size)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Token = Annotated[str, AfterValidator(value.token)]
Host = Annotated[str, AfterValidator(value.origin)]
LocalPath = Annotated[str, AfterValidator(value.local_path)]
PathOrUrl = Annotated[str, AfterValidator(value.path_or_url)]

_TIME = 'a time such as "30s", "500ms" or "1m30s"'
_FILE = "the name of a file, relative to this one"
_REASON = "a reason in words"
_GLOB = 'the name of a Go function, globs allowed, such as "main.(*cache).*"'
_MODES = ", ".join(f'"{mode}"' for mode in ClientMode)


class Table(BaseModel):
    """Any table: no key is ignored, no type is guessed."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class TargetTable(Table):
    """``[target]``."""

    url: Host | None = Field(
        default=None, description='scheme, host and port of the service, such as "http://127.0.0.1:8080"'
    )
    build: Words | None = Field(
        default=None, description='a list of words such as ["go", "build", "-o", "{tmp}/service", "."]'
    )
    command: Words | None = Field(
        default=None, description='a list of words such as ["{tmp}/service", "-addr", ":{port}"]'
    )
    cwd: Text | None = Field(default=None, description="the name of a directory, relative to this file")
    env: dict[Text, Argument] | None = Field(
        default=None, repr=False, description='a table of strings such as { GIN_MODE = "release" }'
    )
    ready: LocalPath | None = Field(default=None, description='a path on the service such as "/healthz"')
    pprof: PathOrUrl | None = Field(
        default=None, description='a path such as "/debug/pprof", or a full URL where pprof has a port of its own'
    )
    memprofilerate: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="a whole number of bytes; 1 is exact"
    )
    source_root: Text | None = Field(
        default=None, description="the name of a directory, relative to this file, that holds the service's go.mod"
    )
    socket: Text | None = Field(default=None, description="the path of a Unix socket, relative to this file")
    startup_timeout: Seconds | None = Field(default=None, description=_TIME)
    build_timeout: Seconds | None = Field(default=None, description=_TIME)
    timeout: Seconds | None = Field(default=None, description=_TIME)
    max_response: Size | None = Field(default=None, description='a size such as "256MiB"')


class AuthTable(Table):
    """``[auth]``; every value is kept out of messages, for people paste tokens into the wrong key."""

    header: Token | None = Field(default=None, repr=False, description='the name of a header, such as "Authorization"')
    query: Text | None = Field(default=None, repr=False, description='the name of a query parameter, such as "token"')
    scheme: Token | None = Field(default=None, repr=False, description='a prefix of the token, such as "Bearer"')
    basic: Annotated[Text, AfterValidator(value.user_name)] | None = Field(
        default=None, repr=False, description="a user name without colon; the token is the password"
    )
    token_env: Annotated[Text, AfterValidator(value.variable)] | None = Field(
        default=None, repr=False, description='the name of an environment variable, such as "PPROF_TOKEN"'
    )
    token_file: Text | None = Field(default=None, repr=False, description="the name of a file that holds the token")
    token_json: Annotated[Text, AfterValidator(value.json_location)] | None = Field(
        default=None, repr=False, description='FILE:KEY, such as "env.json:pprof.static_token"'
    )
    token_command: Words | None = Field(
        default=None,
        repr=False,
        description='a list of words such as ["vault", "read", "-field=token", "secret/pprof"]',
    )
    cert: Text | None = Field(default=None, repr=False, description=_FILE)
    key: Text | None = Field(default=None, repr=False, description=_FILE)
    ca: Text | None = Field(default=None, repr=False, description=_FILE)


class LoadKeys(Table):
    """``[load]``."""

    driver: Token | None = Field(default=None, description='the name of a load driver, such as "builtin" or "hey"')
    concurrency: int | None = Field(default=None, ge=1, le=10_000, description="a whole number from 1 to 10000")
    keep_alive: bool | None = Field(default=None, description="true or false")
    timeout: Seconds | None = Field(default=None, description=_TIME)


class ToleranceTable(Table):
    """``tolerance = { … }``."""

    bytes: Positive | None = Field(default=None, description="a number of bytes per request, above 0")
    objects: Positive | None = Field(default=None, description="a number of objects per request, above 0")
    goroutines: Positive | None = Field(default=None, description="a number of goroutines per request, above 0")


class MeasureKeys(Table):
    """``[measure]``."""

    budget: Seconds | None = Field(default=None, description=_TIME)
    idle: Seconds | None = Field(default=None, description=_TIME)
    tolerance: ToleranceTable | None = Field(
        default=None, description="a table such as { bytes = 128, objects = 0.1, goroutines = 0.01 }"
    )
    seed: int | None = Field(default=None, ge=0, lt=2**63, description="a whole number, 0 or above")


class ShapeKeys(LoadKeys, MeasureKeys):
    """All that a marker may set, and an endpoint too."""


class EndpointTable(ShapeKeys):
    """``[[endpoints]]``: its own keys, and every one of ``[load]`` and ``[measure]``."""

    path: Annotated[Text, AfterValidator(value.request_path)] | None = Field(
        default=None, description='a path that starts with "/", or a full URL on the target\'s host'
    )
    method: Annotated[str, AfterValidator(value.method)] | None = Field(
        default=None, description='an HTTP method such as "POST"'
    )
    name: Annotated[Text, AfterValidator(value.one_line)] | None = Field(default=None, description="one line of text")
    headers: Annotated[dict[str, str], AfterValidator(value.headers)] | None = Field(
        default=None, repr=False, description='a table of strings such as { "X-Request-Id" = "{uuid}" }'
    )
    json_body: Annotated[Any, AfterValidator(value.json_body)] = Field(
        default=None, alias="json", repr=False, description="a value that JSON has, too"
    )
    body: str | None = Field(default=None, repr=False, description="a string")
    form: dict[str, Annotated[Any, AfterValidator(value.form_value)]] | None = Field(
        default=None, repr=False, description='a table of strings, numbers and booleans such as { name = "{uuid}" }'
    )
    expect: list[Annotated[Any, AfterValidator(value.status)]] | None = Field(
        default=None, min_length=1, description='a list of statuses and classes of them, such as [201] or ["2xx", 404]'
    )
    mode: Annotated[ClientMode, BeforeValidator(value.mode)] | None = Field(
        default=None, description=f"one of {_MODES}"
    )
    xfail: Annotated[Text, AfterValidator(value.one_line)] | None = Field(default=None, description=_REASON)
    # Keys of later versions: known, so that the answer is better than "unknown key"; see rules.later_features.
    grpc: Any = Field(default=None, repr=False)
    message: Any = Field(default=None, repr=False)
    protoset: Any = Field(default=None, repr=False)


class IgnoreTable(Table):
    """``[[ignore]]``."""

    function: Text | None = Field(default=None, description=_GLOB)
    top_function: Text | None = Field(default=None, description=_GLOB)
    any_function: Text | None = Field(default=None, description=_GLOB)
    created_by: Text | None = Field(default=None, description=_GLOB)
    reason: Text | None = Field(default=None, description=_REASON)
    expires: Annotated[str, BeforeValidator(value.iso_date)] | None = Field(
        default=None, description='a date such as 2027-01-31 or "2027-01-31"'
    )


class Document(Table):
    """The whole file."""

    target: TargetTable | None = Field(default=None, description="a table, [target]")
    auth: AuthTable | None = Field(default=None, repr=False, description="a table, [auth]")
    load: LoadKeys | None = Field(default=None, description="a table, [load]")
    measure: MeasureKeys | None = Field(default=None, description="a table, [measure]")
    endpoints: list[EndpointTable] | None = Field(
        default=None, description="tables, each headed [[endpoints]] in double brackets"
    )
    openapi: Any = Field(default=None, repr=False)
    ignore: list[IgnoreTable] | None = Field(
        default=None, description="tables, each headed [[ignore]] in double brackets"
    )
