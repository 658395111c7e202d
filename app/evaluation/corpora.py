"""Coded corpora: notes with the codes that people gave them. The user brings the folder; nothing is downloaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from app.evaluation.errors import CorpusError
from app.pipeline.note import Document, Note
from index_builder.catalog import Catalog


@dataclass(frozen=True, slots=True)
class CodedNote:
    """One note and its gold codes, upper case with the dot. Gold codes need not exist in the loaded edition."""

    id: str
    note: Note
    gold: frozenset[str] = field(repr=False)

    @property
    def text(self) -> str:
        """The words of all documents, a blank line between them; offsets refer to the documents, not to this."""
        return "\n\n".join(document.text for document in self.note.documents)


class Corpus(Protocol):
    """A corpus in its published layout. Notes come in a fixed order, so that a limit takes the same ones each time."""

    @property
    def name(self) -> str:
        """Short name, e.g. codiesp."""
        ...

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The notes of a split, sorted by id. Raises CorpusError when the split is missing or malformed."""
        ...


@dataclass(frozen=True, slots=True)
class CodiEsp:
    """CodiEsp (Miranda-Escalada et al. 2020), English texts, diagnosis codes (task D).

    Layout: <path>/<split>/text_files_en/<id>.txt and <path>/<split>/<split>D.tsv with lines `id<TAB>code`.
    The corpus's offsets point into the Spanish text, so evidence is not read.
    """

    path: Path
    name: str = "codiesp"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """Every text of the split; one that no line names has no gold codes."""
        folder = self.path / split / "text_files_en"
        files = sorted(folder.glob("*.txt"))
        if not files:
            raise CorpusError(f"no .txt files in {folder}")
        gold = _read_codes(self.path / split / f"{split}D.tsv")
        strangers = sorted(gold.keys() - {file.stem for file in files})
        if strangers:
            raise CorpusError(f"{split}D.tsv codes {strangers[0]}, which has no text in {folder}")
        return [CodedNote(file.stem, _read_note(file), frozenset(gold.get(file.stem, ()))) for file in files]


def open_corpus(name: str, path: Path) -> Corpus:
    """The corpus of that name in a folder. Raises CorpusError when the name or the folder is unknown."""
    if name != "codiesp":
        raise CorpusError(f"unknown corpus {name}: codiesp is known")
    if not path.is_dir():
        raise CorpusError(f"{path} is not a folder")
    return CodiEsp(path)


def count_codes(notes: Iterable[CodedNote]) -> Counter[str]:
    """In how many notes each code is gold."""
    return Counter(code for note in notes for code in note.gold)


def match(notes: Iterable[CodedNote], catalog: Catalog) -> list[CodedNote]:
    """The same notes with gold codes in the catalog's spelling; codes that it does not have stay as they are."""
    return [replace(note, gold=frozenset(_spell(code, catalog) for code in note.gold)) for note in notes]


def _spell(code: str, catalog: Catalog) -> str:
    position = catalog.position(code)
    return code if position is None else catalog.code_names[position]


def _read_note(file: Path) -> Note:
    try:
        text = file.read_bytes().decode("utf-8")  # bytes, not text mode: line ends stay as they are
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file} is not UTF-8 at byte {error.start}") from None
    return Note((Document(text, id=file.stem),))


def _read_codes(file: Path) -> dict[str, set[str]]:
    if not file.is_file():
        raise CorpusError(f"{file} is missing")
    codes: dict[str, set[str]] = {}
    for id, code in _rows(file):
        codes.setdefault(id, set()).add(code.upper())
    return codes


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 2 or not all(fields):
            raise CorpusError(f"{file} line {number}: expected an id, a tab and a code")
        yield fields[0], fields[1]
