"""Configuration: ``goleak.toml`` and the options around it, as one frozen :class:`~pytest_goleak.model.plan.RunPlan`.

Nothing is imported here on purpose: :mod:`.document` finds the file with the standard library alone,
and only :mod:`.load`, which reads it, brings pydantic in.
"""
