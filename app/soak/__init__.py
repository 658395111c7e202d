"""Drives a running service from outside and says whether it holds: `icd-cascade soak`."""
