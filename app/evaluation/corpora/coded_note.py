"""What every corpus gives: notes with gold codes, and for some the label space that they are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, runtime_checkable

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

    @property
    def uncounted(self) -> frozenset[str]:
        """Codes that are neither right nor wrong here."""
        return frozenset()

    @property
    def billed(self) -> bool:
        """Whether gold is what is billed for the encounter, as requests want it, and not every mention."""
        return False


class Label(NamedTuple):
    """A code of a corpus's own label space and its wording."""

    code: str
    title: str


class Corpus(Protocol):
    """A corpus in its published layout. Notes come in a fixed order, so that a limit takes the same ones each time."""

    @property
    def name(self) -> str:
        """Short name, e.g. codiesp."""
        ...

    def notes(self, split: str) -> Sequence[CodedNote]:
        """The notes of a split: train, dev or test. Raises CorpusError when it is missing or malformed."""
        ...


@runtime_checkable
class Labelled(Protocol):
    """A corpus whose codes are no code set of the product: `icd-cascade build --corpus` makes one of its labels."""

    def labels(self) -> Iterator[Label]:
        """The label space, sorted by code, each code once. Raises CorpusError."""
        ...


def one_document(id: str, text: str, gold: Iterable[str]) -> CodedNote:
    """A note of a single document."""
    return CodedNote(id, Note((Document(text, id=id),)), frozenset(gold))


def count_codes(notes: Iterable[CodedNote]) -> Counter[str]:
    """In how many notes each code is gold."""
    return Counter(code for note in notes for code in note.gold)


def match(notes: Iterable[CodedNote], catalog: Catalog) -> list[CodedNote]:
    """The same notes with gold codes in the catalog's spelling; codes that it does not have stay as they are."""
    return [replace(note, gold=frozenset(_spell(code, catalog) for code in note.gold)) for note in notes]


def _spell(code: str, catalog: Catalog) -> str:
    position = catalog.position(code)
    return code if position is None else catalog.code_names[position]
