"""The composition root: builds the adapters a plan asks for, and runs the pipeline with them. Knows no pytest."""
