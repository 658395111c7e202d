"""Abbreviations and everyday names that clinicians write and no official table holds."""

from __future__ import annotations

from pathlib import Path

from index_builder.codesets.protocol import FormSource, SurfaceForm

ABBREVIATIONS = Path(__file__).with_name("abbreviations.tsv")


def load_abbreviations(path: Path = ABBREVIATIONS) -> list[SurfaceForm]:
    """The rows `code<TAB>wording` as surface forms; lines that begin with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [SurfaceForm(code, wording, FormSource.ABBREVIATION) for code, wording in rows]
