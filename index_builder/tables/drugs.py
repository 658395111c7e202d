"""The table of drugs and chemicals: one line per substance, six columns of what happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.official_xml import read_entries
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import parse

WORDINGS = {
    2: "accidental poisoning by {drug}",
    3: "intentional self-harm by {drug} poisoning",
    4: "assault by {drug} poisoning",
    5: "poisoning by {drug}, undetermined intent",
    6: "adverse effect of {drug}",
    7: "underdosing of {drug}",
}
# Assault and undetermined intent of each of 7,400 substances would add a third more forms for wordings that hardly
# occur; their codes keep their titles.
INDEXED_COLUMNS = (2, 3, 6, 7)


def read_drugs(path: Path, columns: Sequence[int] = INDEXED_COLUMNS) -> Iterator[TermRow]:
    """The wordings of the chosen columns."""
    for entry in read_entries(path):
        drug = substance(entry.path)
        for column in columns:
            if drug and (code := read_code(entry.cells.get(column, ""))):
                yield TermRow(code, WORDINGS[column].format(drug=drug), FormSource.DRUG)


def substance(path: Sequence[str]) -> str:
    """'Acid' > 'acetic' -> 'acetic acid'; a line that begins with a connector keeps its place."""
    wording = ""
    for line in path:
        term = parse(line)
        text = term.text if wording else _uncapitalise(term.text)
        if not text or text.startswith("specified"):
            continue
        behind = bool(term.lead) or not wording
        wording = f"{wording} {term.lead} {text}" if behind else f"{text} {wording}"
        wording = " ".join(wording.split())
    return wording


def _uncapitalise(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
