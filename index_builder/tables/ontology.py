"""Labels and synonyms of the Disease Ontology (CC0) that it refers to ICD-10-CM."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.row import TermRow, read_code

_KEPT = frozenset({"LABEL", "EXACT", "RELATED"})


def read_disease_ontology(path: Path) -> Iterator[TermRow]:
    """Labels, exact and related synonyms; narrow and broad ones mean something else than the code."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["type"].upper() in _KEPT:
                yield TermRow(read_code(row["icd10cm"]), row["term"].strip(), FormSource.DISEASE_ONTOLOGY)
