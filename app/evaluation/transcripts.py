"""Transcripts: real US notes of a published table, which is not ours, with codes that are: transcript_codes.jsonl.

The table is MTSamples (CC0) as <path>/mtsamples*.csv with the columns note_id and transcription; the user brings it.
A line of the codes: {"id": note_id, "codes": [...], "optional": [...], "forbidden": [...]}. Every eleventh row of the
table is kept aside for looking at answers (app/training/keeping.py); what was coded of those is the split `aside`, or,
with "part": "unseen" in its line, `unseen`: nobody looks at answers to those, only at figures. The rest is `train`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.evaluation.corpora.coded_note import CodedNote
from app.evaluation.corpora.reading import read_lines, read_rows
from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note

CODES = Path(__file__).with_name("transcript_codes.jsonl")
TABLE = "mtsamples*.csv"
SPLITS = ("all", "train", "aside", "unseen")
ASIDE = 11  # every so many rows one is kept aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(CodedNote):
    """A coded row. optional: codes that may be reported and need not be; forbidden: beginnings of wrong codes.

    split: train, aside or unseen
    """

    optional: frozenset[str]
    forbidden: tuple[str, ...] = field(repr=False)
    split: str

    @property
    def uncounted(self) -> frozenset[str]:
        """Codes that may be reported and need not be."""
        return self.optional - self.gold

    @property
    def billed(self) -> bool:
        """Gold is what is billed."""
        return True


def coded_ids(codes: Path = CODES) -> frozenset[str]:
    """The note_id of every row that was coded."""
    return frozenset(json.loads(line)["id"] for _, line in read_lines(codes))


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The coded rows of the table in a folder."""

    path: Path
    codes: Path = CODES
    name: str = "transcripts"

    def notes(self, split: str = "all") -> Sequence[Transcript]:
        """The notes of a split in the order of the table. Raises CorpusError."""
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected {', '.join(SPLITS)}")
        coded = {row["id"]: row for _, line in read_lines(self.codes) if (row := json.loads(line))}
        notes = list(self._coded(coded))
        missing = coded.keys() - {note.id for note in notes}
        if missing:
            raise CorpusError(f"{self.path} has no row with note_id {min(missing)}, which {self.codes.name} codes")
        return [note for note in notes if split in ("all", note.split)]

    def _coded(self, coded: dict[str, dict[str, Any]]) -> Iterator[Transcript]:
        for number, (id, text) in enumerate(self._rows()):
            if (row := coded.get(id)) is not None:
                yield Transcript(
                    id=id,
                    note=Note((Document(text, id=id),)),
                    gold=frozenset(row["codes"]),
                    optional=frozenset(row["optional"]),
                    forbidden=tuple(row["forbidden"]),
                    split="train" if number % ASIDE else row.get("part", "aside"),
                )

    def _rows(self) -> Iterator[tuple[str, str]]:
        table = next(iter(sorted(self.path.glob(TABLE))), None)
        if table is None:
            raise CorpusError(f"{self.path} has no {TABLE}")
        for _, row in read_rows(table, ("note_id", "transcription")):
            yield row["note_id"], row["transcription"]
