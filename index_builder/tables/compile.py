"""Compile the official tables into the one term file of the package.

python -m index_builder.tables.compile --source DIR --output index_builder/tables/icd-10-cm.terms.tsv.gz
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path

from index_builder.codesets.icd10cm import ICD10CM
from index_builder.tables.alphabetic import read_index
from index_builder.tables.anatomy import read_body_sites
from index_builder.tables.drugs import read_drugs
from index_builder.tables.external import read_external_causes
from index_builder.tables.neoplasms import read_neoplasms
from index_builder.tables.ontology import read_disease_ontology
from index_builder.tables.row import TermRow
from index_builder.tables.term import is_everyday
from index_builder.tables.termfile import write_terms

HEADER = {
    "tabular": "ICD-10-CM April 2026, CDC/NCHS, public domain; codes checked against simple-icd-10-cm",
    "index": "ICD-10-CM Alphabetic Index FY2025, CDC/NCHS, public domain",
    "neoplasm": "ICD-10-CM Table of Neoplasms, April 2026, CDC/NCHS, public domain",
    "drug": "ICD-10-CM Table of Drugs and Chemicals, April 2026, CDC/NCHS, public domain",
    "external": "ICD-10-CM External Cause of Injuries Index, April 2026, CDC/NCHS, public domain",
    "disease_ontology": "Human Disease Ontology, release 2026-08, CC0 1.0",
}
LONGEST = 160


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rows kept, and how many per source named a code that the tabular does not have."""

    rows: frozenset[TermRow]
    dropped: Counter[str]


def read_tables(source: Path) -> Iterable[TermRow]:
    """All rows of all tables under a folder that holds icd10cm/ and terms/."""
    icd = source / "icd10cm"
    neoplasms = icd / "icd10cm-neoplasm-April-1-2026-XML.xml"
    yield from read_index(icd / "ICD10CM_2025_Index.csv", read_body_sites(neoplasms))
    yield from read_neoplasms(neoplasms)
    yield from read_drugs(icd / "icd10cm-drug-April-1-2026-XML.xml")
    yield from read_external_causes(icd / "icd10cm-eindex-April-1-2026-XML.xml")
    yield from read_disease_ontology(source / "terms" / "do_term_icd10cm_pairs.tsv")


def keep_known(rows: Iterable[TermRow], codes: Set[str]) -> Compiled:
    """Rows whose code the tabular has, with a wording of 2 to 160 characters."""
    kept: set[TermRow] = set()
    dropped: Counter[str] = Counter()
    for row in rows:
        if row.code not in codes:
            dropped[row.source] += 1
        elif 2 <= len(row.text) <= LONGEST and not is_everyday(row.text):
            kept.add(row)
    return Compiled(frozenset(kept), dropped)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder with icd10cm/ and terms/")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    codes = frozenset(code.code for code in ICD10CM(terms=None).codes())
    compiled = keep_known(read_tables(options.source), codes)
    write_terms(options.output, HEADER, compiled.rows)
    counts = Counter(row.source.value for row in compiled.rows)
    for name, count in sorted(counts.items()):
        sys.stderr.write(f"{name}: {count} wordings, {compiled.dropped[name]} without a code in the tabular\n")


if __name__ == "__main__":
    main()
