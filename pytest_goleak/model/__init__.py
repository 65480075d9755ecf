"""The nouns of this package: frozen data types and protocols that import the standard library only."""
