"""A site's own coded notes: a folder of texts with a table of codes, or lines of notes with their codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote
from app.evaluation.corpora.folder_rows import Field, Place, read_objects, read_place
from app.evaluation.corpora.reading import first_existing, read_rows, read_text
from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note

ALL = "all"
SHARES = (("train", 70), ("dev", 15), ("test", 15))  # of a hundred notes, where the folder names no splits
_LINES = ("notes.ndjson", "notes.jsonl")
_CODES = ("codes.csv", "codes.ndjson", "codes.jsonl")
_NOTES = "notes.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteNote(CodedNote):
    """A note of a folder.

    split:  as the folder names it, "" where it names none
    group:  notes of one group, say of one patient, come into the same split
    places: where coders found their codes, as far as they say so
    """

    split: str = ""
    group: str = field(default="", repr=False)
    places: tuple[Place, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Folder:
    """Notes in either layout; docs/corpora.md shows both.

    notes.ndjson: a line a note, {"id", "text" or "documents": [{"text", "type"}], "codes": ["E11.9", {"code", "begin",
                  "end", "document"}], "split", "patient"}; the last two may be left out
    <id>.txt:     beside them codes.csv or codes.ndjson with id, code and, if known, begin and end; every note has a
                  row, one with an empty code if it has none. notes.csv with id and split, patient or both is optional
    begin and end are code points of the document, [begin, end). Splits: all; those that are named; else train, dev
    and test by a hash of the patient, or of the id, so that a note stays where it is when others are added.
    """

    path: Path
    name: str = "folder"

    def notes(self, split: str) -> Sequence[SiteNote]:
        """The notes of a split, sorted by id. Raises CorpusError with file, line and field."""
        notes = sorted(self._read(), key=lambda note: note.id)
        if not notes:
            raise CorpusError(f"{self.path} has no notes: expected {_LINES[0]}, or <id>.txt and {_CODES[0]}")
        named = sorted({note.split for note in notes} - {""})
        if split == ALL:
            return notes
        known = named or [name for name, _ in SHARES]
        if split not in known:
            raise CorpusError(f"{self.name} has no split {split}: expected one of {', '.join([ALL, *known])}")
        chosen = [note for note in notes if (note.split if named else split_of(note.group or note.id)) == split]
        if not chosen:
            raise CorpusError(f"{self.path}: no note of {len(notes)} falls into the split {split}")
        return chosen

    def _read(self) -> Iterator[SiteNote]:
        lines = first_existing(self.path, *_LINES)
        return _of_lines(lines) if lines is not None else self._of_texts()

    def _of_texts(self) -> Iterator[SiteNote]:
        files = {file.stem: file for file in self.path.glob("*.txt")}
        if not files:
            return
        table = first_existing(self.path, *_CODES)
        if table is None:
            raise CorpusError(f"{self.path} has none of {', '.join(_CODES)}: the codes of its notes")
        texts = {id: read_text(file) for id, file in files.items()}
        gold: dict[str, list[tuple[str, Place | None]]] = {}
        for number, row in _table(table, ("id", "code")):
            id = Field(table, number, "id", row.get("id")).text()
            if id not in texts:
                raise CorpusError(f"{table} line {number}: field id: there is no {id}.txt")
            of_note = gold.setdefault(id, [])
            if row.get("code") not in ("", None):
                of_note.append(_coded(table, number, row, [texts[id]]))
        if strangers := sorted(texts.keys() - gold.keys()):
            raise CorpusError(f"{table} has no row for {strangers[0]}.txt: one with an empty code if it has no code")
        facts = self._facts(texts)
        for id, text in texts.items():
            codes = [code for code, _ in gold[id]]
            places = tuple(place for _, place in gold[id] if place is not None)
            split, group = facts.get(id, ("", ""))
            yield SiteNote(
                id=id,
                note=Note((Document(text, id=id),)),
                gold=frozenset(codes),
                split=split,
                group=group,
                places=places,
            )

    def _facts(self, texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Split and group of every note, from notes.csv if it is there."""
        file = first_existing(self.path, _NOTES)
        if file is None:
            return {}
        found = {}
        for number, row in read_rows(file, ("id",)):
            split = Field(file, number, "split", row.get("split")).optional_text()
            if "split" in row and not split:
                raise CorpusError(f"{file} line {number}: field split: empty")
            if row["id"] in found:
                raise CorpusError(f"{file} line {number}: field id: {row['id']} stands there twice")
            found[row["id"]] = (split, Field(file, number, "patient", row.get("patient")).optional_text())
        if missing := sorted(texts.keys() - found.keys()):
            raise CorpusError(f"{file} has no row for {missing[0]}.txt")
        return found


def split_of(group: str) -> str:
    """The split of a group by its hash, the same whatever other groups there are."""
    at = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % 100
    for name, share in SHARES:
        if at < share:
            return name
        at -= share
    raise AssertionError("the shares do not make a hundred")


def _of_lines(file: Path) -> Iterator[SiteNote]:
    seen: set[str] = set()
    splits: set[bool] = set()
    for number, row in read_objects(file):
        id = Field(file, number, "id", row.get("id")).text()
        if id in seen:
            raise CorpusError(f"{file} line {number}: field id: {id} stands there twice")
        seen.add(id)
        documents = _documents(file, number, row)
        texts = [document.text for document in documents]
        coded = [
            _coded(file, number, one if isinstance(one, dict) else {"code": one}, texts)
            for one in Field(file, number, "codes", row.get("codes")).items()
        ]
        split = Field(file, number, "split", row.get("split")).optional_text()
        splits.add(bool(split))
        if len(splits) > 1:
            raise CorpusError(f"{file} line {number}: field split: some notes have one and some have none")
        yield SiteNote(
            id=id,
            note=Note(tuple(documents)),
            gold=frozenset(code for code, _ in coded),
            split=split,
            group=Field(file, number, "patient", row.get("patient")).optional_text(),
            places=tuple(place for _, place in coded if place is not None),
        )


def _documents(file: Path, number: int, row: Mapping[str, object]) -> list[Document]:
    if ("text" in row) == ("documents" in row):
        raise CorpusError(f"{file} line {number}: field text: expected either text or documents")
    if "text" in row:
        return [Document(Field(file, number, "text", row["text"]).text(), id=str(row["id"]))]
    found = []
    for at, one in enumerate(Field(file, number, "documents", row["documents"]).items()):
        inside = one if isinstance(one, dict) else {}
        text = Field(file, number, f"documents[{at}].text", inside.get("text")).text()
        kind = Field(file, number, f"documents[{at}].type", inside.get("type")).optional_text()
        found.append(Document(text, id=f"{row['id']}/{at}", type=kind or None))
    if not found:
        raise CorpusError(f"{file} line {number}: field documents: empty")
    return found


def _coded(file: Path, number: int, row: Mapping[str, object], texts: Sequence[str]) -> tuple[str, Place | None]:
    code = Field(file, number, "code", row.get("code")).code()
    return code, read_place(file, number, code, row, texts)


def _table(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    return read_rows(file, columns) if ".csv" in file.suffixes else read_objects(file)
