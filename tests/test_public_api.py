import importlib
import pkgutil

import pytest_goleak


def test_every_public_name_can_be_had_and_the_list_is_sorted():
    assert pytest_goleak.__all__ == sorted(pytest_goleak.__all__)
    for name in pytest_goleak.__all__:
        assert getattr(pytest_goleak, name) is not None
    assert set(dir(pytest_goleak)) == set(pytest_goleak.__all__)


def test_all_of_every_module_exists():
    names = [module.name for module in pkgutil.walk_packages(pytest_goleak.__path__, "pytest_goleak.")]
    assert len(names) > 50
    for name in names:
        if name.endswith((".supervisor", ".__main__")):  # scripts, run and never imported
            continue
        module = importlib.import_module(name)
        missing = [each for each in getattr(module, "__all__", ()) if not hasattr(module, each)]
        assert not missing, name
