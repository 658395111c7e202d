"""Training, offline only: nothing that serves imports this package."""
