"""The command line: one parser, one subcommand each, and the exit code."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence

from pytest_goleak import __version__
from pytest_goleak.cli import doctor

__all__ = ["main"]

COMMANDS = ("doctor",)

PLANNED = ("init", "capture", "top", "diff", "list", "traces", "png", "pdf", "svg", "watch", "proxy", "report")
"""Names that later versions will understand."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out the command *argv*, by default the process's own; return its exit code."""
    parser = _parser()
    given = sys.argv[1:] if argv is None else argv
    if (why := _no_command(given)) is not None:
        parser.error(why)
    arguments = parser.parse_args(given)
    code: int = arguments.run(arguments)
    return code


def _no_command(argv: Sequence[str]) -> str | None:
    """Return why the first of *argv* is no command, ``None`` if it is one, or an option."""
    name = argv[0] if argv else "-"
    if name.startswith("-") or name in COMMANDS:
        return None
    if name in PLANNED:
        return f"'goleak {name}' is not in this version; expected one of: {', '.join(COMMANDS)}"
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{name!r} is no command; choose from: {', '.join(COMMANDS)}{hint}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="goleak", description="Helps with leak tests of running Go services; the tests run with pytest --goleak."
    )
    parser.add_argument("--version", action="version", version=f"goleak {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    doctor.add_arguments(commands.add_parser("doctor", help=doctor.HELP, description=doctor.HELP))
    return parser
