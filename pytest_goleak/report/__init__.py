"""Reports as text: one module per format, each a pure function of the report."""
