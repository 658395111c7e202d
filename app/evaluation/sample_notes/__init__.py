"""Six invented notes, one a file: nobody's words and nobody's record. They ship so that a benchmark needs no data."""

from __future__ import annotations

from importlib.resources import files

from app.pipeline.note import Document, Note

ENDING = ".txt"


def read_samples() -> list[Note]:
    """The notes, in the order of their file names."""
    found = sorted((file for file in files(__package__).iterdir() if file.name.endswith(ENDING)), key=lambda f: f.name)
    return [Note((Document(file.read_text(encoding="utf-8")),)) for file in found]
