"""MIMIC-III in CAML's layout: the full label set, the 50 most frequent codes, 50 rare ones, and codes seen rarely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote, Label, one_document
from app.evaluation.corpora.icd_titles import label_codes, titles, undot
from app.evaluation.corpora.reading import read_rows
from app.evaluation.errors import CorpusError

SPLITS = ("train", "dev", "test")
SUFFIXES = {"mimic-iii-full": "full", "mimic-iii-50": "50", "mimic-iii-rare50": "50l"}
FEW = 5  # training notes that a code of mimic-iii-few has at most
_COLUMNS = ("subject_id", "hadm_id", "text", "labels")


@dataclass(frozen=True, slots=True)
class MimicIII:
    """MIMIC-III discharge summaries as CAML prepares them (Mullenbach et al. 2018).

    Layout: <path>/{train,dev,test}_{full,50,50l}.csv with the columns SUBJECT_ID, HADM_ID, TEXT, LABELS (ICD-9 codes
    with their dot, ";" between them) and any others; "50l" is written by KEPT (Yang et al. 2022) for its 50 rare codes.
    Beside them the dictionaries of `icd_titles.titles`. Codes are read as text: 414.10 is not 414.1.
    """

    path: Path
    name: str = "mimic-iii-full"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The notes of a split, sorted by id (SUBJECT_ID_HADM_ID); those without codes are left out, as CAML does."""
        file = self._file(split)
        return sorted(
            (
                one_document(f"{row['subject_id']}_{row['hadm_id']}", row["text"], _codes(row["labels"]))
                for row in self._rows(file)
                if _codes(row["labels"])
            ),
            key=lambda coded: coded.id,
        )

    def labels(self) -> Iterator[Label]:
        """The codes of all three splits, as CAML's `load_full_codes` takes them: 8,922 in the full set."""
        found = titles(self.path, version=9)
        return label_codes((code for split in SPLITS for codes in self.gold(split) for code in codes), found)

    def gold(self, split: str) -> Iterator[frozenset[str]]:
        """The codes of each note in the order of the file; no text is kept."""
        return (frozenset(_codes(row["labels"])) for row in self._rows(self._file(split)))

    def _file(self, split: str) -> Path:
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected one of {', '.join(SPLITS)}")
        return self.path / f"{split}_{SUFFIXES[self.name]}.csv"

    def _rows(self, file: Path) -> Iterator[Mapping[str, str]]:
        for number, row in read_rows(file, _COLUMNS):
            if not (row["subject_id"].isdecimal() and row["hadm_id"].isdecimal()):
                raise CorpusError(f"{file} line {number}: expected whole numbers as SUBJECT_ID and HADM_ID")
            yield row


@dataclass(frozen=True, slots=True)
class MimicIIIFew:
    """MIMIC-III-few (Yang et al. 2023): the notes of the full set with a code that has 1 to `most` training notes.

    Made of the full files: gold is narrowed to those codes, and notes that keep none are left out.
    """

    path: Path
    most: int = FEW
    name: str = "mimic-iii-few"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The notes of a split with at least one few-shot code, sorted by id."""
        few = self._few()
        return [
            CodedNote(coded.id, coded.note, coded.gold & few) for coded in self._full().notes(split) if coded.gold & few
        ]

    def labels(self) -> Iterator[Label]:
        """The few-shot codes."""
        return label_codes(self._few(), titles(self.path, version=9))

    def _few(self) -> frozenset[str]:
        counts = Counter(code for codes in self._full().gold("train") for code in codes)
        return frozenset(code for code, count in counts.items() if count <= self.most)

    def _full(self) -> MimicIII:
        return MimicIII(self.path)


def _codes(labels: str) -> list[str]:
    return [code for part in labels.split(";") if (code := undot(part))]
