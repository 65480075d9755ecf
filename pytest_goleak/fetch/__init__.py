"""Authenticated requests to pprof and monitoring URLs: bounded in time and size, and silent about the token."""
