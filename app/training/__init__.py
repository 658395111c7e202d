"""Prepares training data from corpora and an index. Offline only: nothing that serves imports this package."""
