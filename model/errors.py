"""Errors of the model side.

ModelError
 ├─ CheckpointError   a file of a checkpoint is missing, changed or does not fit
 └─ BackendError      the wanted backend is not installed
"""

from __future__ import annotations


class ModelError(Exception):
    """Anything that keeps a model from being used."""


class CheckpointError(ModelError):
    """A checkpoint that must not be used; the message names the file and what is wrong with it."""


class BackendError(ModelError):
    """A backend that cannot run here; the message names what to install."""
