"""Every option once: its flag, its ini name, and the setting it overrides."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = [
    "OPTIONS",
    "Option",
    "add_options",
    "calibration_runs",
    "flag",
    "from_command_line",
    "from_ini",
    "origin",
    "out_directory",
    "refuse_idle_options",
    "selects",
    "value",
]


def _duration(text: str) -> str:
    from pytest_goleak.model.units import parse_duration  # noqa: PLC0415 - compiles patterns, and only where it is given

    parse_duration(text)
    return text


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"{text!r} is not a URL; expected for example 'http://127.0.0.1:8080'")
    return text


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a seed; expected a whole number, for example '7'") from None
    if seed < 0:
        raise ValueError(f"{text!r} is not a seed; expected 0 or more")
    return seed


def _runs(text: str) -> int:
    try:
        runs = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number of runs; expected for example '--goleak-calibrate=10'") from None
    if runs < 1:
        raise ValueError(f"{text!r} is not a number of runs; expected 1 or more")
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option; a missing *parse* makes it a switch."""

    name: str
    """``goleak`` or ``goleak-<noun>``: the flag with ``--`` before it, the ini name with ``_`` in it."""
    help: str
    parse: Callable[[str], object] | None = None
    metavar: str | None = None
    key: str | None = None
    """Dotted key of the setting that it overrides, where it is one."""
    bare: object = None
    """Its value where it is given without one; ``None`` if it needs a value."""

    @property
    def dest(self) -> str:
        """The ini name, and the attribute of the parsed command line."""
        return self.name.replace("-", "_")


OPTIONS = (
    Option(name="goleak", help="run leak tests; without this they are skipped"),
    Option(
        name="goleak-config",
        help="configuration (default: goleak.toml in rootdir, else [tool.goleak] in pyproject.toml)",
        parse=Path,
        metavar="FILE",
    ),
    Option(
        name="goleak-url",
        help="the running service (overrides [target])",
        parse=_url,
        metavar="URL",
        key="target.url",
    ),
    Option(
        name="goleak-base-url",
        help="a second, older build of the service: only what leaks more than there counts as new",
        parse=_url,
        metavar="URL",
    ),
    Option(
        name="goleak-budget",
        help="longest time for one endpoint, for example 30s",
        parse=_duration,
        metavar="TIME",
        key="measure.budget",
    ),
    Option(
        name="goleak-total-budget",
        help="longest time for all endpoints together; what some do not need goes to those in doubt",
        parse=_duration,
        metavar="TIME",
    ),
    Option(
        name="goleak-screen",
        help="a quick look at all endpoints together first; only those that it does not clear are examined alone",
    ),
    Option(
        name="goleak-seed",
        help="seed of the experiment, for a rerun with the same coin",
        parse=_seed,
        metavar="N",
        key="measure.seed",
    ),
    Option(
        name="goleak-load",
        help="load driver, for example builtin or hey",
        parse=str,
        metavar="NAME",
        key="load.driver",
    ),
    Option(name="goleak-json", help="write the report as JSON", parse=Path, metavar="FILE"),
    Option(name="goleak-html", help="write the report as one HTML page", parse=Path, metavar="FILE"),
    Option(name="goleak-sarif", help="write the findings as SARIF 2.1.0", parse=Path, metavar="FILE"),
    Option(name="goleak-out", help="directory of profiles and other artifacts", parse=Path, metavar="DIR"),
    Option(name="goleak-accept", help="write the leaks found now into the configuration as [[ignore]] rules"),
    Option(
        name="goleak-selftest",
        help="plant known leaks in the figures and in the service, and require that they are found",
    ),
    Option(
        name="goleak-calibrate",
        help="judge a clean endpoint (or those selected) K times (default 10): false alarms, noise, suggested settings",
        parse=_runs,
        metavar="K",
        bare=10,
    ),
    Option(
        name="goleak-calibrate-write",
        help="write the budget and the tolerance that the calibration suggests into the configuration",
    ),
    Option(name="goleak-strict", help="an inconclusive endpoint fails instead of being skipped with its reason"),
)

COLLECTING = ("goleak", "goleak-config")
"""Options that mean something where leak tests are only collected."""

_BY_DEST = {option.dest: option for option in OPTIONS}


def add_options(parser: pytest.Parser) -> None:
    """Add every option to the command line and to the ini file."""
    group = parser.getgroup("goleak", "leak tests of running Go services")
    for option in OPTIONS:
        if option.parse is None:
            group.addoption(f"--{option.name}", dest=option.dest, action="store_true", default=None, help=option.help)
            parser.addini(option.dest, help=option.help, type="bool", default=None)
        else:
            group.addoption(
                f"--{option.name}",
                dest=option.dest,
                type=_for_argparse(option.parse),
                default=None,
                metavar=option.metavar,
                help=option.help,
                **({} if option.bare is None else {"nargs": "?", "const": option.bare}),
            )
            parser.addini(option.dest, help=option.help, default=None)


def value(config: pytest.Config, dest: str) -> object:
    """Return what the command line says, else the ini file, else ``None``.

    Raises:
        pytest.UsageError: the ini value is not of the option's type.

    """
    given = config.getoption(dest)
    return _ini(config, _BY_DEST[dest]) if given is None else given


def origin(config: pytest.Config, dest: str) -> str:
    """Return where the value of an option was given, as a message names it."""
    if config.getoption(dest) is not None:
        return f"--{_BY_DEST[dest].name}"
    if any(given.partition("=")[0].strip() == dest for given in config.getoption("override_ini") or ()):
        return f"-o {dest}"
    return f"{dest} in {config.inipath}"


def flag(config: pytest.Config, dest: str) -> bool:
    """Return whether a switch is on."""
    return bool(value(config, dest))


def refuse_idle_options(config: pytest.Config) -> None:
    """Refuse options that were typed and do nothing without ``--goleak``; those in an ini file wait for it.

    Raises:
        pytest.UsageError: there is such an option.

    """
    typed = {argument.partition("=")[0] for argument in config.invocation_params.args}
    idle = [flag for option in OPTIONS if option.name not in COLLECTING and (flag := f"--{option.name}") in typed]
    if idle:
        raise pytest.UsageError(f"{', '.join(idle)} without --goleak: leak tests would be skipped. Add --goleak.")


def calibration_runs(config: pytest.Config) -> int:
    """Return how many runs a calibration has, 0 where none is asked for."""
    runs = value(config, "goleak_calibrate")
    return runs if isinstance(runs, int) else 0


def selects(config: pytest.Config) -> bool:
    """Return whether the user chose among the items: by ``-k``, ``-m``, or by their ids."""
    chosen = config.getoption("keyword") or config.getoption("markexpr")
    return bool(chosen) or any("::" in argument for argument in config.args)


def out_directory(config: pytest.Config) -> Path:
    """Return the directory of artifacts."""
    given = value(config, "goleak_out")
    return config.invocation_params.dir / given if isinstance(given, Path) else config.rootpath / ".goleak"


def from_command_line(config: pytest.Config) -> dict[str, object]:
    """Return the settings that the command line overrides, by dotted key."""
    return {option.key: config.getoption(option.dest) for option in OPTIONS if option.key}


def from_ini(config: pytest.Config) -> dict[str, object]:
    """Return the settings that the ini file gives defaults for, by dotted key."""
    return {option.key: _ini(config, option) for option in OPTIONS if option.key}


def _ini(config: pytest.Config, option: Option) -> object:
    try:
        written = config.getini(option.dest)
    except (ValueError, pytest.UsageError):  # only switches have a type that pytest checks
        raise pytest.UsageError(
            f"{origin(config, option.dest)} is neither on nor off; expected 'true' or 'false'"
        ) from None
    if option.parse is None or written in (None, "", []):
        return written or None
    try:
        parsed = option.parse(str(written))
    except ValueError as problem:
        raise pytest.UsageError(f"{origin(config, option.dest)}: {problem}") from None
    # A relative path in an ini file starts from that file, one on the command line from where pytest was called.
    return config.rootpath / parsed if isinstance(parsed, Path) else parsed


def _for_argparse(parse: Callable[[str], object]) -> Callable[[str], object]:
    def convert(text: str) -> object:
        try:
            return parse(text)
        except ValueError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return convert
