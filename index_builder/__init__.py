"""Offline: code set -> catalog -> vectors -> verified artifact; and search over it. Imports model only."""
