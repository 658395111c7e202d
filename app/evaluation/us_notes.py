"""The US notes: a gold suite in the style of American dictation, with alternatives, forbidden and optional codes.

Layout: <path>/<id>.txt and <path>/gold.jsonl, one JSON object per note; tests/gold/us_notes/README.md says what its
fields mean and how the notes were made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.evaluation.corpora.coded_note import CodedNote
from app.evaluation.corpora.reading import read_lines, read_text
from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note

GOLD_FILE = "gold.jsonl"
SPLITS = ("all",)


@dataclass(frozen=True, slots=True)
class GoldCode:
    """A code that the note must be given.

    accepted:  codes that are equally right, because the note does not document what tells them apart
    wording:   the words of the note that support the code, exactly as they stand there
    in_tables: the wording, folded, is a surface form of the code set
    """

    code: str
    accepted: tuple[str, ...]
    wording: str = field(repr=False)
    in_tables: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsNote(CodedNote):
    """A note of the suite; `gold` holds the codes of `rows`.

    forbidden: categories, subcategories or codes; neither they nor anything below them may be answered
    optional:  codes that may be answered and are not counted
    """

    specialty: str
    rows: tuple[GoldCode, ...] = field(repr=False)
    forbidden: tuple[str, ...] = field(repr=False)
    optional: tuple[str, ...] = field(repr=False)

    @property
    def uncounted(self) -> frozenset[str]:
        """The optional codes."""
        return frozenset(self.optional)

    def accepted(self) -> dict[str, str]:
        """The gold code that each alternative stands for."""
        return {code: row.code for row in self.rows for code in row.accepted}

    def violations(self, codes: Sequence[str]) -> list[str]:
        """Those of the codes that the note forbids, in their order."""
        return [code for code in codes if code.startswith(self.forbidden)]


@dataclass(frozen=True, slots=True)
class UsNotes:
    """The notes of a folder. They have one split, `all`: nothing may be learned from them."""

    path: Path
    name: str = "us-notes"

    def notes(self, split: str = "all") -> Sequence[UsNote]:
        """Every note, sorted by id. Raises CorpusError when the folder is malformed or the split is not `all`."""
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected {', '.join(SPLITS)}")
        notes = sorted(self._read(), key=lambda note: note.id)
        texts = {file.stem for file in self.path.glob("*.txt")}
        ids = [note.id for note in notes]
        if len(set(ids)) != len(ids):
            raise CorpusError(f"{self.path / GOLD_FILE} names a note twice")
        if strangers := sorted(texts - set(ids)):
            raise CorpusError(f"{self.path / GOLD_FILE} does not name {strangers[0]}, which has a text")
        return notes

    def _read(self) -> Iterator[UsNote]:
        file = self.path / GOLD_FILE
        for number, line in read_lines(file):
            try:
                yield self._note(json.loads(line))
            except (KeyError, TypeError, ValueError):  # the message of these may repeat the note's words
                raise CorpusError(f"{file} line {number}: not an object of the suite's layout") from None

    def _note(self, entry: dict[str, Any]) -> UsNote:
        text_file = self.path / f"{entry['id']}.txt"
        if not text_file.is_file():
            raise CorpusError(f"{text_file} is missing")
        rows = tuple(
            GoldCode(row["code"], _codes(row["accept"]), row["wording"], row["in_tables"]) for row in entry["codes"]
        )
        return UsNote(
            id=entry["id"],
            note=Note((Document(read_text(text_file), id=entry["id"]),)),
            gold=frozenset(row.code for row in rows),
            specialty=entry["specialty"],
            rows=rows,
            forbidden=_codes(entry["forbidden"]),
            optional=_codes(entry["optional"]),
        )


def resolve(gold_note: UsNote, ranked_codes: Sequence[str]) -> list[str]:
    """The ranking with accepted alternatives replaced by their gold code, so that they count as its hits.

    The first of a gold code and its alternatives takes the gold code's name. When the gold code itself follows, it
    gets the name that became free: every code keeps its rank and none is named twice, so nothing counts twice and
    nothing moves up. Codes must be in upper case with the dot.
    """
    gold_of = gold_note.accepted()
    first_named: dict[str, str] = {}  # gold code -> the code that was ranked first for it
    resolved = []
    for code in ranked_codes:
        target = gold_of.get(code, code if code in gold_note.gold else None)
        if target is None:
            resolved.append(code)
        elif target not in first_named:
            first_named[target] = code
            resolved.append(target)
        else:
            resolved.append(first_named[target] if code == target else code)
    return resolved


def _codes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise TypeError("not a list of codes")
    return tuple(value)
