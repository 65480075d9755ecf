"""What every test shares: pytest's own test tools, and a hypothesis profile for shared, noisy machines."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# Deadlines measure the machine, not the code; examples are the same in every run.
settings.register_profile("shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
