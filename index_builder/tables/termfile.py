"""The compiled term file: header lines "# key: value", then code, source and wording by tabs, gzipped."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.tables.row import TermRow

ICD10CM_TERMS = Path(__file__).with_name("icd-10-cm.terms.tsv.gz")


@dataclass(frozen=True, slots=True)
class TermTable:
    """Wordings with the header that names their sources, editions and licences."""

    header: Mapping[str, str]
    forms: tuple[SurfaceForm, ...]


def write_terms(path: Path, header: Mapping[str, str], rows: Iterable[TermRow]) -> None:
    """Write sorted, distinct rows; the same input gives the same bytes."""
    lines = [f"# {key}: {value}\n" for key, value in header.items()]
    lines += [f"{row.code}\t{row.source}\t{row.text}\n" for row in sorted(set(rows))]
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write("".join(lines).encode())


def load_table(path: Path = ICD10CM_TERMS) -> TermTable:
    """Read a compiled term file. Raises ValueError for a line that is neither header nor row."""
    header: dict[str, str] = {}
    forms: list[SurfaceForm] = []
    sources = {source.value: source for source in FormSource}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("# "):
                key, _, value = line[2:].rstrip("\n").partition(": ")
                header[key] = value
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 3 or fields[1] not in sources:
                raise ValueError(f"{path.name}, line {number}: not a term row")
            forms.append(SurfaceForm(fields[0], fields[2], sources[fields[1]]))
    return TermTable(header, tuple(forms))


def load_terms(path: Path = ICD10CM_TERMS) -> list[SurfaceForm]:
    """The wordings of a compiled term file, sorted by code."""
    return list(load_table(path).forms)
