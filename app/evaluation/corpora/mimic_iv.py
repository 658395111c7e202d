"""MIMIC-IV as Edin et al. 2023 prepare it: one table of notes and codes, one of splits, for each ICD version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote, Label, one_document
from app.evaluation.corpora.icd_titles import label_codes, titles, undot
from app.evaluation.corpora.tables import Row, find_table, read_table
from app.evaluation.errors import CorpusError

NAMES = {"mimic-iv-icd9": 9, "mimic-iv-icd10": 10}
SPLITS = {"train": "train", "dev": "val", "test": "test"}  # ours: theirs
_IDS = ("_id", "note_id")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]*")


@dataclass(frozen=True, slots=True)
class MimicIV:
    """MIMIC-IV discharge summaries with ICD-9 or ICD-10 codes, diagnoses and procedures (Edin et al. 2023).

    Layout: <path>/mimiciv_icd10.{feather,parquet,csv} with the columns _id (or note_id), text and target (a list of
    codes; in CSV any text in which codes are separated), and <path>/mimiciv_icd10_split.{feather,parquet,csv} with the
    same id and split (train, val, test); or one table that has split too. mimiciv_icd9 alike. Notes that no split names
    are left out, as in the paper. Beside them the dictionaries of `icd_titles.titles`.
    """

    path: Path
    name: str = "mimic-iv-icd10"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The notes of a split (dev is the paper's val), sorted by id. Raises CorpusError."""
        table, id = self._table()
        return sorted(
            (
                one_document(str(row[id]), _text(row["text"], table, number), _codes(row["target"], table, number))
                for number, row in self._rows(split, (id, "text", "target"))
            ),
            key=lambda coded: coded.id,
        )

    def labels(self) -> Iterator[Label]:
        """The codes of all three splits: 7,942 of ICD-10 in the paper."""
        found = titles(self.path, NAMES[self.name])
        table, id = self._table()
        codes = (
            code
            for split in SPLITS
            for number, row in self._rows(split, (id, "target"))
            for code in _codes(row["target"], table, number)
        )
        return label_codes(codes, found)

    def _rows(self, split: str, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
        if split not in SPLITS:
            raise CorpusError(f"{self.name} has no split {split}: expected one of {', '.join(SPLITS)}")
        wanted = SPLITS[split]
        table, id = self._table()
        if "split" in read_table(table).columns:
            return (
                (number, row) for number, row in read_table(table).rows((*columns, "split")) if row["split"] == wanted
            )
        chosen = self._chosen(id, wanted)
        return ((number, row) for number, row in read_table(table).rows(columns) if str(row[id]) in chosen)

    def _chosen(self, id: str, split: str) -> frozenset[str]:
        file = find_table(self.path, f"{_stem(self.name)}_split")
        chosen = frozenset(str(row[id]) for _, row in read_table(file).rows((id, "split")) if row["split"] == split)
        if not chosen:
            raise CorpusError(f"{file}: no note has the split {split}; expected train, val and test")
        return chosen

    def _table(self) -> tuple[Path, str]:
        """The table of notes and its id column: the one that the split table has too."""
        table = find_table(self.path, _stem(self.name))
        columns = read_table(table).columns
        ids = [id for id in _IDS if id in columns]
        if "split" not in columns:
            there = read_table(find_table(self.path, f"{_stem(self.name)}_split")).columns
            ids = [id for id in ids if id in there]
        if not ids:
            raise CorpusError(f"{table}: expected a column {' or '.join(_IDS)}, the same as in the split table")
        return table, ids[0]


def _stem(name: str) -> str:
    return f"mimiciv_icd{NAMES[name]}"


def _text(value: object, table: Path, number: int) -> str:
    if not isinstance(value, str):
        raise CorpusError(f"{table} row {number}: text is {type(value).__name__}, expected text")
    return value


def _codes(value: object, table: Path, number: int) -> list[str]:
    parts = _CODE.findall(value) if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise CorpusError(f"{table} row {number}: target is {type(value).__name__}, expected a list of codes")
    return [undot(part) for part in parts]
