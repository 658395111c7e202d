"""Compile what the edits read beside the catalog: the POA-exempt list and the notes of chapters and blocks.

python -m index_builder.tables.compile_edits --poa-exempt POAexemptCodesFY26.txt
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from index_builder.tables.block_notes import BLOCK_NOTES, read_tabular, write_notes
from index_builder.tables.poa_exempt import POA_EXEMPT, read_official, write_exempt

POA_SOURCE = "ICD-10-CM codes exempt from POA reporting, FY 2026, CMS; public domain"
NOTES_SOURCE = "ICD-10-CM tabular list, April 2026, CDC/NCHS, public domain; read through simple-icd-10-cm"


def main(arguments: list[str] | None = None) -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--poa-exempt", type=Path, required=True, help="the official list, tab-separated")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent, help="folder; the package's own by default"
    )
    given = parser.parse_args(arguments)
    codes, notes = read_official(given.poa_exempt), list(read_tabular())
    write_exempt(given.output / POA_EXEMPT.name, POA_SOURCE, codes)
    write_notes(given.output / BLOCK_NOTES.name, NOTES_SOURCE, notes)
    sys.stdout.write(f"{len(codes)} exempt codes, {len(notes)} notes of chapters and blocks\n")


if __name__ == "__main__":
    main()
