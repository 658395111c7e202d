"""ICD-10-PCS from its official files: the order file with all codes, and the index with the names of procedures.

PCS has no notes and no synonyms. What a surgeon calls a procedure ("appendectomy") stands in the index only, which
names a complete code or the first characters of a table's codes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from os.path import commonprefix
from pathlib import Path

from index_builder.codesets.order_file import by_code, to_codes
from index_builder.codesets.pcs_index import IndexEntry, read_pcs_index
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm

# The approach and what follows it: sixty-six wordings that end seventy thousand titles.
_APPROACH = re.compile(
    r", (?=(?:Open|Percutaneous(?: Endoscopic)?|Via Natural or Artificial Opening(?: Endoscopic)?|External)"
    r"(?: [Ww]ith [\w ]+)?(?: Approach)?(?:,|$))"
)
# PCS says "Percutaneous Endoscopic Approach" where a surgeon names the scope, by body system (second character).
_SCOPED = ", Percutaneous Endoscopic Approach"
_SCOPES = {"B": "thoracoscopic", "R": "arthroscopic", "S": "arthroscopic", **dict.fromkeys("DFTUV", "laparoscopic")}
_GLUE = re.compile(r"(,| with| using)?,? *$")
_SURGICAL = ("0", "1")  # the sections Medical and Surgical, Obstetrics
_MOST = 40  # codes: a name that begins more of them says too little of each


class ICD10PCS:
    """Tables and codes. Each title is encoded in two pieces: what is done where, and by which approach."""

    name = "icd-10-pcs"
    system = "http://www.cms.gov/Medicare/Coding/ICD10"

    def __init__(self, order: Path, edition: str, index: Path | None = None) -> None:
        """order: icd10pcs_order_YYYY.txt; index: icd10pcs_index_YYYY.xml, gzipped or not. Raises CodeSetError."""
        self.edition = edition
        self._rows = by_code(order)
        self._codes = tuple(sorted(to_codes(self._rows, dotted=False), key=lambda code: code.code))
        self._entries = () if index is None else tuple(read_pcs_index(index))

    def codes(self) -> Sequence[Code]:
        """All codes and the tables of three characters that head them, sorted."""
        return self._codes

    def forms(self) -> Iterator[SurfaceForm]:
        """All titles, then the names of the index."""
        for code in self._codes:
            end = approach_at(code.title)
            yield SurfaceForm(code.code, code.title, FormSource.TITLE, end)
        names = [code.code for code in self._codes if code.billable]
        for entry in self._entries:
            begun = _begun_by(names, entry.start)
            if len(begun) == 1 or (len(begun) <= _MOST and _names_an_operation(entry)):
                base = common_start([_head(self._rows[code].title) for code in begun])
                for name in begun:
                    yield from self._named(entry.name, name, len(base))

    def _named(self, name: str, code: str, base: int) -> Iterator[SurfaceForm]:
        """The name with what the title says after its first `base` characters: device, qualifier, approach."""
        title = self._rows[code].title
        head, approach = _head(title), title[len(_head(title)) :]
        wording = _with_rest(name, head[base:])
        yield SurfaceForm(code, wording + approach, FormSource.INDEX, len(wording) if approach else 0)
        if approach == _SCOPED and len(head) == base and code[0] == "0" and code[1] in _SCOPES:
            yield SurfaceForm(code, f"{_SCOPES[code[1]]} {_lowered(name)}", FormSource.INDEX)


def approach_at(title: str) -> int:
    """Where the wording of the approach begins, its comma included; 0 where a title names none."""
    match = _APPROACH.search(title)
    return match.start() if match else 0


def _head(title: str) -> str:
    return title[: approach_at(title) or len(title)]


def common_start(heads: Sequence[str]) -> str:
    """What all say in the same words: "Resection of Uterus" of that and of "Resection of Uterus, Supracervical"."""
    start = commonprefix(list(heads))
    if any(head[len(start) : len(start) + 1].isalnum() for head in heads):
        start = start[: start.rfind(" ") + 1]
    return _GLUE.sub("", start)


def _with_rest(name: str, rest: str) -> str:
    if rest.strip(" ,").casefold() in name.casefold():  # "Hysterectomy, Supracervical"
        return name
    return name + rest if rest.startswith((" ", ",")) else f"{name}, {rest}"


def _lowered(name: str) -> str:
    """ "Cholecystectomy" -> "cholecystectomy"; abbreviations stay."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _names_an_operation(entry: IndexEntry) -> bool:
    """Whether the name fits every code that begins so. Others name a device that the rest of the code would tell."""
    return entry.referred and entry.start.startswith(_SURGICAL)


def _begun_by(names: Sequence[str], start: str) -> Sequence[str]:
    first = bisect_left(names, start)
    last = first
    while last < len(names) and names[last].startswith(start):
        last += 1
    return names[first:last]
