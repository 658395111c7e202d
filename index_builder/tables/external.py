"""The index of external causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.official_xml import read_entries
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import Term, parse


def read_external_causes(path: Path) -> Iterator[TermRow]:
    """Every coded line as one wording."""
    for entry in read_entries(path):
        code = read_code(entry.code)
        if code and (text := wording(entry.path)):
            yield TermRow(code, text, FormSource.EXTERNAL)


def wording(path: Sequence[str]) -> str:
    """'Fall' > 'from' > 'ladder' -> 'fall from ladder'; 'Bite' > 'dog' -> 'dog bite'; deeper paths keep their order."""
    terms = _without_frame([parse(line) for line in path if not line.startswith(("specified", "unspecified"))])
    if len(terms) == 2 and not any((terms[0].trail, terms[1].lead, terms[1].trail)) and len(terms[1].text.split()) < 3:
        return f"{terms[1].text} {terms[0].text}".lower()
    text = ""
    for term in terms:
        text = _append(text, term)
    return text.rstrip("\0").lower()


def _without_frame(terms: list[Term]) -> list[Term]:
    """ "Accident (to)" > "transport" > "car occupant" > ...: the occupant and the collision say it all."""
    if len(terms) > 1 and terms[0].text == "Accident":
        terms = [Term("accident"), *terms[1:]]
        if terms[1].text == "transport":
            return terms[2:] if len(terms) > 3 else [Term("transport accident"), *terms[2:]]
    return terms


def _append(text: str, term: Term) -> str:
    open_end = not text or text.endswith("\0")
    here = " ".join(part for part in (term.lead, term.text, term.trail) if part)
    glue = "" if not text else " " if open_end or term.lead else ", "
    joined = text.rstrip("\0") + glue + here
    return joined + "\0" if term.trail or (term.lead and not term.text) else joined
