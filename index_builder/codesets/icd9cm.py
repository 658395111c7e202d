"""ICD-9-CM, diagnoses and procedures, from files of its last editions: CMS description files, or CSV tables of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from index_builder.codesets.plain_terms import tidy
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm
from index_builder.errors import CodeSetError

_CODE = re.compile(r"E\d{3}\d?|(?:V\d|\d\d)\d{0,3}")
_CMS_NAME = re.compile(r"_DESC_(LONG|SHORT)_(DX|SG)", re.IGNORECASE)
_PROCEDURES, _DIAGNOSES = "SG", "DX"


@dataclass(slots=True)
class Entry:
    """What the files say of a code without its dot; None: they do not."""

    long: str | None = None
    short: str | None = None
    billable: bool = True


class ICD9CM:
    """Categories, subcategories and codes; forms are long and short titles and the wordings lent by another set."""

    name = "icd-9-cm"
    system = "http://hl7.org/fhir/sid/icd-9-cm"

    def __init__(self, files: Sequence[Path], edition: str, lent: Sequence[SurfaceForm] = ()) -> None:
        """files: CMS*_DESC_LONG_DX.txt and its like, or .csv with the columns code, short_desc, long_desc and, for
        headers, billable. lent: wordings of codes of this set that stand in none of the files. Raises CodeSetError.
        """
        self.edition = edition
        entries: dict[tuple[str, str], Entry] = {}
        for file in files:
            (_read_csv if file.suffix == ".csv" else _read_cms)(file, entries)
        if not entries:
            raise CodeSetError(self.name, "the files list no code")
        written = {key: _written(*key) for key in entries}
        self._codes = tuple(sorted((_code(key, written, entries) for key in entries), key=lambda code: code.code))
        self._short = {written[key]: entry.short for key, entry in entries.items() if entry.short}
        self._lent = tuple(lent)

    def codes(self) -> Sequence[Code]:
        """All codes with their dot, sorted."""
        return self._codes

    def forms(self) -> Iterator[SurfaceForm]:
        """The long titles, the short ones, then the wordings lent; one of a code that is not here is left out."""
        known = {code.code for code in self._codes}
        for code in self._codes:
            yield SurfaceForm(code.code, tidy(code.title), FormSource.TITLE)
        for code in self._codes:
            if short := self._short.get(code.code):
                yield SurfaceForm(code.code, tidy(short), FormSource.INCLUSION)
        yield from (form for form in self._lent if form.code in known)


def dotted(code: str) -> str:
    """A diagnosis with its dot: "25000" -> "250.00", "E8809" -> "E880.9", "V100" -> "V10.0"."""
    return _written(_DIAGNOSES, code)


def _written(kind: str, code: str) -> str:
    head = 2 if kind == _PROCEDURES else 4 if code.startswith("E") else 3
    return code if len(code) <= head else f"{code[:head]}.{code[head:]}"


def _code(
    key: tuple[str, str], written: Mapping[tuple[str, str], str], entries: Mapping[tuple[str, str], Entry]
) -> Code:
    kind, name = key
    entry, parents = entries[key], ((kind, name[:length]) for length in range(len(name) - 1, 1, -1))
    parent = next((written[one] for one in parents if one in entries), None)
    return Code(written[key], entry.long or entry.short or "", parent, entry.billable, {})


def _read_csv(file: Path, entries: dict[tuple[str, str], Entry]) -> None:
    rows = csv.DictReader(_lines(file))
    if not {"code", "long_desc"} <= set(rows.fieldnames or ()):
        raise CodeSetError(file, "line 1: expected the columns code and long_desc")
    for row in rows:
        entry = _entry(file, rows.line_num, _DIAGNOSES, row["code"], entries)
        entry.long, entry.short = _title(file, rows.line_num, row["long_desc"]), row.get("short_desc") or None
        entry.billable = (row.get("billable") or "True").casefold() in ("true", "1")


def _read_cms(file: Path, entries: dict[tuple[str, str], Entry]) -> None:
    match = _CMS_NAME.search(file.name)
    if match is None:
        raise CodeSetError(file, "neither .csv nor named like CMS32_DESC_LONG_DX.txt")
    for number, line in enumerate(_lines(file), start=1):
        code, _, title = line.partition(" ")
        entry = _entry(file, number, match[2].upper(), code, entries)
        if match[1].upper() == "LONG":
            entry.long = _title(file, number, title)
        else:
            entry.short = _title(file, number, title)


def _lines(file: Path) -> Iterator[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CodeSetError(file, "missing") from None
    except UnicodeDecodeError:
        text = file.read_text(encoding="latin-1")  # CMS published its last files so: "Ménière's disease"
    return iter(text.splitlines())


def _entry(file: Path, number: int, kind: str, code: str, entries: dict[tuple[str, str], Entry]) -> Entry:
    name = code.strip()
    if not _CODE.fullmatch(name):
        raise CodeSetError(file, f"line {number}: expected a code of ICD-9-CM without its dot")
    return entries.setdefault((kind, name), Entry())


def _title(file: Path, number: int, title: str | None) -> str:
    if not title or not title.strip():
        raise CodeSetError(file, f"line {number}: the code has no title")
    return title.strip()
