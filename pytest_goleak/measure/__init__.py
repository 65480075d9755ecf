"""The only place with a clock: carries out the experiment's steps against a real service."""
