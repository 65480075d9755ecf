"""The command line: one parser, one subcommand each, and the exit code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pytest_goleak import __version__
from pytest_goleak.cli import doctor

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out the command *argv*, by default the process's own; return its exit code."""
    arguments = _parser().parse_args(argv)
    code: int = arguments.run(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="goleak", description="Helps with leak tests of running Go services; the tests run with pytest --goleak."
    )
    parser.add_argument("--version", action="version", version=f"goleak {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    doctor.add_arguments(commands.add_parser("doctor", help=doctor.HELP, description=doctor.HELP))
    return parser
