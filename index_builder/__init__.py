"""Offline: code set -> catalog -> vectors -> verified artifact; and search over such an artifact. Imports model only."""
