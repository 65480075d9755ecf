from __future__ import annotations

from pathlib import Path

import pytest

from tests.target.program import build_service


@pytest.fixture(scope="session")
def service_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_service(tmp_path_factory.mktemp("program"))
