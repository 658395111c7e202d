"""Retrieval with nested vectors over plain arrays: adaptive, funnel, early exit, and the baselines beside them."""
