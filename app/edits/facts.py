"""What the code set says of a code, for the rules: its place, its notes and those that it inherits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from app.edits.hcc import load_hcc
from index_builder.catalog import Catalog
from index_builder.references import Reference, named_references, references
from index_builder.tables.block_notes import BlockNote, load_notes
from index_builder.tables.poa_exempt import load_exempt

Note = TypeVar("Note")
FULL_LENGTH = 8  # a code with its 7th character, dot included
_OPTIONAL = re.compile(
    r"\b(?:if|where|when) (?:applicable|known|desired|appropriate|drug|present)|\bany\b|such as", re.I
)
_UNDERLYING = re.compile(r"\s*(?:the )?underlying\b(?!.*if applicable)", re.I)
_OPENING = re.compile(r":\s*$")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a code first or use additional note.

    at:         the code, or the block, that the note stands at
    opening:    the line that opens the list that this one is an item of, "" outside of lists
    optional:   whether it holds only if something applies, or names examples
    underlying: whether it asks for the underlying disease: the code is a manifestation
    references: codes that it names; empty where it names none
    """

    text: str
    at: str
    opening: str
    optional: bool
    underlying: bool
    references: tuple[Reference, ...]

    def covers(self, code: str) -> bool:
        """Whether the line names this code."""
        return any(reference.covers(code) for reference in self.references)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One line of an Excludes1 note."""

    at: str
    references: tuple[Reference, ...]

    def covers(self, code: str) -> bool:
        """Whether the line names this code."""
        return any(reference.covers(code) for reference in self.references)


@dataclass(frozen=True, slots=True)
class Facts:
    """One code. Notes are its own and those of what it stands under, nearest first."""

    code: str
    title: str
    billable: bool
    parent: str | None
    children: tuple[str, ...]
    excludes1: tuple[Exclusion, ...]
    code_first: tuple[Instruction, ...]
    use_additional: tuple[Instruction, ...]

    @property
    def seventh(self) -> str:
        """The 7th character, "" where there is none."""
        return self.code[-1] if len(self.code) == FULL_LENGTH else ""


class RuleBook:
    """The facts of one loaded code set, read when first asked for. Empty of rules for any set but ICD-10-CM."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._facts: dict[str, Facts] = {}
        self.applies = catalog.name == "icd-10-cm"
        self._blocks: tuple[BlockNote, ...] = load_notes() if self.applies else ()
        self._exempt = load_exempt() if self.applies else frozenset()
        self._hcc = load_hcc() if self.applies else {}

    def hcc(self, code: str) -> str | None:
        """CMS-HCC V28 category, or two by comma; None for a code without one, and without the table."""
        return self._hcc.get(code.replace(".", ""))

    def poa_exempt(self, code: str) -> bool | None:
        """Whether the code carries no POA indicator; None for headers and for other code sets."""
        return code in self._exempt if self.applies and self.of(code).billable else None

    def knows(self, code: str) -> bool:
        """Whether the code set has the code: tables are written for one edition, and loaded beside another."""
        position = self._catalog.position(code)
        return position is not None and self._catalog.code_names[position] == code

    def of(self, code: str) -> Facts:
        """The facts of a code of the set. Raises KeyError for any other."""
        known = self._facts.get(code)
        if known is None:
            known = self._facts[code] = self._read(code)
        return known

    def stem(self, code: str) -> Facts:
        """The code without its 7th character."""
        facts = self.of(code)
        return self.of(facts.parent) if facts.seventh and facts.parent else facts

    def siblings(self, code: str) -> tuple[str, ...]:
        """The other codes right below the same parent."""
        parent = self.of(code).parent
        return () if parent is None else tuple(other for other in self.of(parent).children if other != code)

    def above(self, code: str) -> list[str]:
        """What a code stands under, nearest first."""
        found: list[str] = []
        parent = self.of(code).parent
        while parent is not None:
            found.append(parent)
            parent = self.of(parent).parent
        return found

    def _read(self, code: str) -> Facts:
        position = self._catalog.position(code)
        if position is None or self._catalog.code_names[position] != code:
            raise KeyError(code)
        entry = self._catalog.entry(position)
        over = None if entry.parent is None else self.of(entry.parent)
        blocks = [note for note in self._blocks if note.covers(code)] if over is None else []
        blocks.sort(key=lambda note: note.first, reverse=True)  # the narrower block first

        def lines(kind: str) -> Iterable[tuple[str, tuple[str, ...]]]:
            yield code, entry.notes.get(kind, ())
            yield from ((f"{note.first}-{note.last}", note.lines) for note in blocks if note.kind == kind)

        return Facts(
            code=code,
            title=entry.title,
            billable=entry.billable,
            parent=entry.parent,
            children=tuple(self._catalog.code_names[child] for child in self._catalog.children(position)),
            excludes1=_inherited(lines("excludes1"), _exclusions, over.excludes1 if over else ()),
            code_first=_inherited(lines("code_first"), _instructions, over.code_first if over else ()),
            use_additional=_inherited(lines("use_additional"), _instructions, over.use_additional if over else ()),
        )


def _inherited(
    lines: Iterable[tuple[str, tuple[str, ...]]],
    read: Callable[[str, tuple[str, ...]], list[Note]],
    over: tuple[Note, ...],
) -> tuple[Note, ...]:
    own = [one for at, of_kind in lines for one in read(at, of_kind)]
    return (*own, *over) if own else over


def _exclusions(at: str, lines: tuple[str, ...]) -> list[Exclusion]:
    found = [Exclusion(at, tuple(references(line))) for line in lines]
    return [exclusion for exclusion in found if exclusion.references]


def _instructions(at: str, lines: tuple[str, ...]) -> list[Instruction]:
    """A line that ends in a colon opens a list: what it says of its items ("such as") holds for them."""
    found, opening = [], ""
    for line in lines:
        if _OPENING.search(line):
            opening = line
            continue
        said = f"{opening} {line}"
        named = (*references(line), *named_references(line))
        optional, underlying = _OPTIONAL.search(said) is not None, _UNDERLYING.match(said) is not None
        found.append(Instruction(line.strip(" ,."), at, opening, optional, underlying, named))
    return found
