"""``python -m pytest_goleak``: the helper command."""

from __future__ import annotations

import sys

from pytest_goleak.cli.main import main

sys.exit(main())
