"""The clinicians' wordings as notes are read: a note's shorthand is written out before it is encoded, so is theirs.

`python -m tests.app.pipeline.reading.written_out` writes the table anew when wordings or shorthand have changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.tables.wordings import WORDINGS, load_wordings

TABLE = WORDINGS / "written_out.tsv"
HEAD = (
    "# Wordings of the other files with their shorthand written out as the reader of notes does it "
    "(python -m tests.app.pipeline.reading.written_out). Columns: code, wording.\n"
)


def folded(text: str) -> str:
    """As catalogs compare wordings."""
    return " ".join(text.casefold().split())


def as_read(wording: str) -> str:
    """The wording with its shorthand written out, as in a note."""
    return " ".join(segment_read(Note((Document(wording),))).note.documents[0].text.split())


def wordings() -> Iterator[tuple[str, str]]:
    """Code and wording of all files but the table."""
    table = frozenset(stored())
    return (row for form in load_wordings() if (row := (form.code, form.text)) not in table)


def written_out(known: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Code and wording, sorted; without those that are a form already or that would stand for two codes.

    known: codes by folded wording, of all other forms
    """
    codes: dict[str, set[str]] = defaultdict(set)
    texts: dict[str, str] = {}
    for code, wording in wordings():
        if (read := as_read(wording)) != wording:
            codes[folded(read)].add(code)
            texts[folded(read)] = read
    return sorted((next(iter(of)), texts[key]) for key, of in codes.items() if len(of) == 1 and key not in known)


def known_forms(without: frozenset[tuple[str, str]]) -> dict[str, set[str]]:
    """Codes by folded wording of the code set, without these (code, wording)."""
    known: dict[str, set[str]] = defaultdict(set)
    for form in ICD10CM().forms():
        if (form.code, form.text) not in without:
            known[folded(form.text)].add(form.code)
    return known


def stored() -> list[tuple[str, str]]:
    """The table as it stands."""
    if not TABLE.exists():
        return []
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [(code, wording) for code, wording in (line.split("\t") for line in lines if not line.startswith("#"))]


if __name__ == "__main__":
    rows = written_out(known_forms(frozenset(stored())))
    TABLE.write_text(HEAD + "".join(f"{code}\t{wording}\n" for code, wording in rows), encoding="utf-8")
