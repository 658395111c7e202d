"""Practice notes: invented US notes with the words marked that a coder would point at. They ship with the package.

Layout: <path>/<area>.txt, in each any number of notes:

    === cardiology-07 | discharge summary
    COURSE: ... treated for [[acute on chronic systolic heart failure|I11.0+I50.23]], stays on [[apixaban|?Z79.01]].

A mark names the codes of its words; a question mark stands before a code that may be reported and need not be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote
from app.evaluation.corpora.reading import read_text
from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note
from index_builder.marks import Mark, unmarked

SHIPPED = Path(__file__).with_name("practice_notes")
SPLITS = ("all", "train", "aside")
ASIDE = 2  # every second note is kept from the encoder, for the last stage,
KEPT = "aside-"  # and all notes of files that are named so
_HEAD = re.compile(r"^=== (\S+) \| (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeNote(CodedNote):
    """A note of the set; `gold` holds the codes that must be reported, `optional` those that may be."""

    setting: str
    marks: tuple[Mark, ...] = field(repr=False)

    @classmethod
    def of(cls, id: str, setting: str, text: str, marks: tuple[Mark, ...]) -> PracticeNote:
        """The note of a text and its marks."""
        gold = frozenset(mark.code for mark in marks if not mark.optional)
        return cls(id=id, note=Note((Document(text, id=id),)), gold=gold, setting=setting, marks=marks)

    @property
    def uncounted(self) -> frozenset[str]:
        """Codes that may be reported and need not be."""
        return frozenset(mark.code for mark in self.marks if mark.optional) - self.gold

    @property
    def billed(self) -> bool:
        """Gold is what is billed."""
        return True


@dataclass(frozen=True, slots=True)
class PracticeNotes:
    """The notes of a folder. Splits: all; aside, every second one and files named aside-*; train, the others."""

    path: Path = SHIPPED
    name: str = "practice"

    def notes(self, split: str = "all") -> Sequence[PracticeNote]:
        """The notes of a split, by file and place in it. Raises CorpusError."""
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected {', '.join(SPLITS)}")
        files = sorted(self.path.glob("*.txt"), key=lambda file: (file.name.startswith(KEPT), file.name))
        notes = [note for file in files for note in _read(file)]
        if not notes:
            raise CorpusError(f"{self.path} has no notes")
        ids = [note.id for note in notes]
        if len(set(ids)) < len(ids):
            raise CorpusError(f"{self.path} names a note twice")
        kept = [note.id.startswith(KEPT) or number % ASIDE == 0 for number, note in enumerate(notes, start=1)]
        return [note for note, aside in zip(notes, kept, strict=True) if split == "all" or aside == (split == "aside")]


def _read(file: Path) -> Iterator[PracticeNote]:
    before, *parts = _HEAD.split(read_text(file))
    if before.strip():
        raise CorpusError(f"{file} line 1: expected a line === <id> | <setting>")
    for id, setting, marked in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        text, marks = unmarked(marked.strip("\n"))
        if "[[" in text or "]]" in text:
            raise CorpusError(f"{file}: note {id} has a mark that is not of the form [[words|CODE]]")
        yield PracticeNote.of(id, setting, text, marks)
