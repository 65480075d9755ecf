from tests.plugin.conftest import service_binary

__all__ = ["service_binary"]
