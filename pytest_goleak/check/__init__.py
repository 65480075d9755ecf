"""The pipeline of one endpoint: measure, decide, capture, diff, attribute. It knows protocols, not adapters."""
