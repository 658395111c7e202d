"""ICD-10-PCS from its official files: the order file with all codes, and the index with the names of procedures.

PCS has no notes and no synonyms. What a surgeon calls a procedure ("appendectomy") stands in the index, which names a
complete code or the first characters of a table's codes, in our own table of names, and in rules for everyday words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from os.path import commonprefix
from pathlib import Path

from index_builder.codesets.order_file import by_code, to_codes
from index_builder.codesets.ordering import place
from index_builder.codesets.pcs_index import IndexEntry, read_pcs_index
from index_builder.codesets.pcs_synonyms import synonyms
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.tables.procedures import Named, load_procedures

# The approach and what follows it: sixty-six wordings that end seventy thousand titles.
_APPROACH = re.compile(
    r", (?=(?:Open|Percutaneous(?: Endoscopic)?|Via Natural or Artificial Opening(?: Endoscopic)?|External)"
    r"(?: [Ww]ith [\w ]+)?(?: Approach)?(?:,|$))"
)
# PCS says "Percutaneous Endoscopic Approach" where a surgeon names the scope, by body system (second character).
_SCOPED = ", Percutaneous Endoscopic Approach"
_SCOPES = {"B": "thoracoscopic", "R": "arthroscopic", "S": "arthroscopic", **dict.fromkeys("DFTUV", "laparoscopic")}
_BY = {"0": "open", "3": "percutaneous", "7": "transluminal", "8": "endoscopic"}
_SIDE = re.compile(r"\b(Left|Right|Bilateral)\b")
_GLUE = re.compile(r"(,| with| using)?,? *$")
_SURGICAL = ("0", "1")  # the sections Medical and Surgical, Obstetrics
_MOST = 40  # codes: a name that begins more of them says too little of each
_EXCISION, _RESECTION = "B", "T"  # third character: a part of the organ, all of it


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
        """All titles, then the names of the index, those of clinicians, and what they are found by."""
        for code in self._codes:
            end = approach_at(code.title)
            yield SurfaceForm(code.code, code.title, FormSource.TITLE, end)
        names = [code.code for code in self._codes if code.billable]
        said = [*self._of_index(names), *self._of_clinicians(names)]
        yield from said
        yield from self._stand_ins(names, said)

    def _of_index(self, names: Sequence[str]) -> Iterator[SurfaceForm]:
        whole = {(entry.name, entry.start[:2]) for entry in self._entries if entry.start[2] == _RESECTION}
        for entry in self._entries:
            begun = _begun_by(names, entry.start)
            if len(begun) == 1 or (len(begun) <= _MOST and _names_an_operation(entry)):
                base = common_start([_head(self._rows[code].title) for code in begun])
                partly = entry.start[2] == _EXCISION and (entry.name, entry.start[:2]) in whole
                for name in begun:
                    yield from self._named(f"Partial {_lowered(entry.name)}" if partly else entry.name, name, len(base))

    def _of_clinicians(self, names: Sequence[str]) -> Iterator[SurfaceForm]:
        for named in load_procedures():
            for code in _begun_by(names, named.start):
                if named.places.fullmatch(code):
                    yield from self._called(named, code)
        for code in names:
            for wording in synonyms(code, self._rows[code].title):
                yield SurfaceForm(code, wording, FormSource.CLINICIAN)

    def _called(self, named: Named, code: str) -> Iterator[SurfaceForm]:
        """The names with the side of the body; where the approach is open, also with the surgeon's word for it."""
        side = _SIDE.search(self._rows[code].title)
        words = f"{side[1].lower()} " if side else ""
        for name in named.names:
            yield SurfaceForm(code, words + name, FormSource.CLINICIAN)
            if not named.approached and (way := _way(code)):
                yield SurfaceForm(code, f"{way} {words}{name}", FormSource.CLINICIAN)

    def _stand_ins(self, names: Sequence[str], said: Sequence[SurfaceForm]) -> Iterator[SurfaceForm]:
        """What is said of one code of a family, for the code that stands for the family, with that one's own title.

        Only the stand-in is searched for (docs/decisions/0007); its title keeps it behind the code that is meant.
        """
        first: dict[str, str] = {}
        for name in sorted(names, key=place):
            first.setdefault(name[:-1], name)
        has = {(form.code, form.text.casefold()) for form in said}
        for form in said:
            code = first[form.code[:-1]]
            if form.source is FormSource.CLINICIAN and (code, form.text.casefold()) not in has:
                title = self._rows[code].title
                yield SurfaceForm(code, f"{form.text}, {_head(title)}", FormSource.CLINICIAN, len(form.text))

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


def _way(code: str) -> str:
    """The surgeon's word for the approach of a code: "laparoscopic"; none for what is done from outside."""
    if not code.startswith(_SURGICAL):
        return ""
    return _SCOPES.get(code[1], "endoscopic") if code[4] == "4" else _BY.get(code[4], "")


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
