"""What the packaged ICD-10-CM is made of, as one hash: found in milliseconds; reading the code set takes seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from index_builder.tables.abbreviations import ABBREVIATIONS
from index_builder.tables.lines import LINES
from index_builder.tables.termfile import ICD10CM_TERMS
from index_builder.tables.wordings import WORDINGS
from model.checkpoint import sha256_of

TABULAR: Final = "simple-icd-10-cm"  # the package that holds the tabular list
_BUILDER: Final = Path(__file__).parents[1]
# The readers are named too: another rule for what is a wording makes other wordings of the same tables.
_READERS: Final = (
    "catalog_file.py",
    "codesets/icd10cm.py",
    "codesets/inheriting.py",
    "codesets/ordering.py",
    "codesets/plain_terms.py",
    "marks.py",
    "tables/abbreviations.py",
    "tables/lines.py",
    "tables/term.py",
    "tables/termfile.py",
    "tables/wordings.py",
)


def packaged_inputs(
    terms: Path | None = ICD10CM_TERMS,
    abbreviations: Path = ABBREVIATIONS,
    wordings: Path = WORDINGS,
    lines: Path = LINES,
) -> str:
    """SHA-256 (hex) over the tables of wordings, their readers and the version of the tabular list."""
    digest = hashlib.sha256(f"{TABULAR} {version(TABULAR)}\n".encode())
    for file in _files(terms, abbreviations, wordings, lines):
        digest.update(f"{file.name} {sha256_of(file)}\n".encode())
    return digest.hexdigest()


def _files(terms: Path | None, abbreviations: Path, wordings: Path, lines: Path) -> Iterator[Path]:
    if terms is not None:
        yield from (terms, abbreviations, *sorted(wordings.glob("*.tsv")), *sorted(lines.glob("*.txt")))
    yield from (_BUILDER / name for name in _READERS)
