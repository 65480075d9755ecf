"""The helper command ``goleak``: what a person does by hand. Knows no pytest."""
