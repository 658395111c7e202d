"""Errors of the evaluation.

EvaluationError
 └─ CorpusError   a corpus folder is incomplete or not in its published layout
"""

from __future__ import annotations


class EvaluationError(Exception):
    """Anything that keeps an evaluation from running; the message names folders, files and ids, never note text."""


class CorpusError(EvaluationError):
    """A corpus that cannot be read; the message names the file and line."""
