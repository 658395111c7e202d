"""What US clinicians call conditions in assessments and diagnoses: wordings that no official table holds."""

from __future__ import annotations

from pathlib import Path

from index_builder.codesets.protocol import FormSource, SurfaceForm

WORDINGS = Path(__file__).with_name("wordings")


def load_wordings(folder: Path = WORDINGS) -> list[SurfaceForm]:
    """The rows `code<TAB>wording` of every .tsv file, by file name; lines that begin with # are comments."""
    files = sorted(folder.glob("*.tsv"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [SurfaceForm(code, wording, FormSource.CLINICIAN) for code, wording in rows]
