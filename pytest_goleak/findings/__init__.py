"""From sites that grew to findings that a person can act on: whose code, why, how to mend it, and is it known."""
