"""Notes that the tabular list writes at chapters and blocks, which the catalog has no entries for.

They hold for every code of the block: "code, if applicable, from category Z3A" stands at chapter 15 only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BLOCK_NOTES = Path(__file__).with_name("icd-10-cm.block-notes.tsv")
KINDS = ("excludes1", "code_first", "use_additional")


@dataclass(frozen=True, slots=True)
class BlockNote:
    """Lines of one kind that hold for the codes of the categories first..last."""

    first: str
    last: str
    kind: str
    lines: tuple[str, ...]

    def covers(self, code: str) -> bool:
        """Whether the code stands in the block."""
        return self.first <= code[:3] <= self.last


def read_tabular() -> Iterator[BlockNote]:
    """The notes of all chapters and blocks of the package simple-icd-10-cm; slow, for compiling only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # see index_builder/codesets/icd10cm.py
        import simple_icd_10_cm as tabular
    for name in dict.fromkeys(tabular.get_all_codes(with_dots=True)):
        if not tabular.is_chapter_or_block(name) or tabular.is_category(name):
            continue
        categories = [code for code in tabular.get_descendants(name) if tabular.is_category(code)]
        notes = {
            "excludes1": tabular.get_excludes1(name),
            "code_first": tabular.get_code_first(name).splitlines(),
            "use_additional": tabular.get_use_additional_code(name).splitlines(),
        }
        for kind, lines in notes.items():
            if lines and categories:
                yield BlockNote(min(categories), max(categories), kind, tuple(lines))


def write_notes(path: Path, source: str, notes: Iterable[BlockNote]) -> None:
    """Write a comment line with the source, then first, last, kind and line by tabs."""
    rows = [f"{note.first}\t{note.last}\t{note.kind}\t{line}\n" for note in notes for line in note.lines]
    path.write_text("".join([f"# {source}\n", *rows]), encoding="utf-8")


@cache
def load_notes(path: Path = BLOCK_NOTES) -> tuple[BlockNote, ...]:
    """The notes as compiled. Raises ValueError for a line that is no row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# "):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or fields[2] not in KINDS:
            raise ValueError(f"{path.name}, line {number}: not a note")
        found.setdefault((fields[0], fields[1], fields[2]), []).append(fields[3])
    return tuple(BlockNote(*key, tuple(lines)) for key, lines in found.items())
