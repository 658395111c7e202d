"""A code set without hierarchy, notes or synonyms: codes and their titles, from a list or a file of two columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.errors import CodeSetError


class LabelList:
    """The code set of other people's label spaces: MIMIC's ICD-9, EURLEX, WIKI10. Every code may be answered."""

    def __init__(self, name: str, labels: Iterable[tuple[str, str]]) -> None:
        """labels are (code, title). Raises CodeSetError for an empty, repeated or non-ASCII code or an empty title."""
        found = sorted(labels)
        self.name = name
        self.system = f"urn:label-list:{name}"
        self._codes = tuple(Code(code, title, None, True, {}) for code, title in _checked(name, found))
        self.edition = hashlib.sha256(repr(found).encode()).hexdigest()[:12]  # the list itself is its only release

    def codes(self) -> Sequence[Code]:
        """All codes, sorted."""
        return self._codes

    def forms(self) -> Iterator[SurfaceForm]:
        """The titles."""
        return (SurfaceForm(code.code, code.title, FormSource.TITLE) for code in self._codes)


def read_labels(file: Path) -> Iterator[tuple[str, str]]:
    """(code, title) of each line `code<TAB>title` of a UTF-8 file. Raises CodeSetError naming the line."""
    number = 0
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                code, tab, title = line.rstrip("\n").partition("\t")
                if not (tab and code.strip() and title.strip()):
                    raise CodeSetError(file, f"line {number}: expected a code, a tab and a title")
                yield code.strip(), title.strip()
    except FileNotFoundError:
        raise CodeSetError(file, "missing") from None
    except UnicodeDecodeError:
        raise CodeSetError(file, f"not UTF-8 after line {number}") from None


def _checked(name: str, labels: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    for place, (code, title) in enumerate(labels):
        if not code.isascii() or not code.strip() or "\n" in code:
            raise CodeSetError(name, f"code {place + 1} in order is empty or not ASCII")
        if not title.strip():
            raise CodeSetError(name, f"code {code} has no title")
        if place and labels[place - 1][0] == code:
            raise CodeSetError(name, f"code {code} is listed twice")
    return labels
