"""The service under test: attached to, or built, started, made ready and stopped."""
