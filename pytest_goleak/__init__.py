"""Leak regression tests of running Go services, as a pytest plugin."""

__version__ = "0.1.0"
