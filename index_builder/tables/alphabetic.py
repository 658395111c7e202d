"""The alphabetic index (CSV: level and row order give the hierarchy)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path

from index_builder.codesets.protocol import FormSource
from index_builder.tables.anatomy import BodySites
from index_builder.tables.cross_references import IndexTree
from index_builder.tables.phrase import Phrase
from index_builder.tables.row import TermRow, read_code
from index_builder.tables.term import Term, clean, is_adjective, parse

_MAIN = {
    "Fracture, traumatic": "fracture",
    "Infarct, infarction": "infarction",
    "Findings, abnormal, inconclusive, without diagnosis": "abnormal findings",
    "Wound, open": "open wound",
    "Effect, adverse": "adverse effect",
    "Pregnancy": "pregnancy",
}
# The CSV lost what follows a nonessential modifier: "autonomic (poly)neuropathy" stands there as "autonomic".
_LOST_TAILS = {"(poly)": "neuropathy", "(gastro)": "gastroenteritis"}
_LOST_MAIN = {
    ("Old", "(previous)"): "old myocardial infarction",
    ("Cancer", "(o)"): "cancerophobia",
    ("Toxic", "(poisoning)"): "poisoning",
}
_EPONYMS = re.compile(r"(?:\(-[^()]+\)\s*)+")
_DISEASE_WORD = re.compile(r"(?:itis|osis|ia|emia|uria|pathy|oma|ism|tion|algia|plasia|ectomy|ness|ment|ure|ing|ity)$")


def read_index(path: Path, body_sites: BodySites) -> Iterator[TermRow]:
    """Every coded line of the index as one or two wordings, and every line that refers to a coded one ("see")."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lower = frozenset(word for row in rows if row["Level"] != "0" for word in row["Term"].split() if word.islower())
    tree = _tree(rows)
    path_so_far: list[Term] = []
    for row in rows:
        level = int(row["Level"])
        term = _line(row, level, lower)
        path_so_far = [*path_so_far[:level], term]
        code = read_code(row["Code"] or "") or tree.code_of(row["See"] or "")
        if code and path_so_far[0].text:
            for text in phrase(path_so_far, body_sites):
                yield TermRow(code, text, FormSource.INDEX)


def _tree(rows: Sequence[dict[str, str]]) -> IndexTree:
    tree, path = IndexTree(), list[str]()
    for row in rows:
        path = [*path[: int(row["Level"])], row["Term"]]
        tree.add(path, read_code(row["Code"] or ""))
    return tree


def phrase(path: Sequence[Term], body_sites: BodySites) -> list[str]:
    """The wordings of a path whose first line is the main term."""
    main, *rest = path
    attributive = bool(main.adjective and rest and not rest[0].lead and _is_about(main.text, body_sites))
    built = Phrase(main.adjective if attributive else main.text, body_sites)
    for term in _join_agents(_opened(main, rest)):
        built.add(term)
    return built.wordings()


def _opened(main: Term, rest: Sequence[Term]) -> list[Term]:
    return [Term("", trail=main.trail), *rest] if main.trail else list(rest)


def _join_agents(terms: Sequence[Term]) -> list[Term]:
    """ "complicated" > "by" > ... is one connector."""
    joined: list[Term] = []
    for term in terms:
        last = joined[-1] if joined else None
        if last and not last.lead and term.lead.startswith("by") and last.text.endswith("ed"):
            joined[-1] = Term(term.text, term.adjective, f"{last.text} {term.lead}", term.trail)
        else:
            joined.append(term)
    return joined


def _is_about(noun: str, body_sites: BodySites) -> bool:
    """Whether a main term names a body part or alcohol, which then reads as an adjective before its sub-terms."""
    return noun.casefold() in body_sites or noun.casefold() == "alcohol"


def _line(row: dict[str, str], level: int, lower: Set[str]) -> Term:
    text, modifiers = row["Term"], (row["NonEssModif"] or "").strip()
    if lost := _LOST_TAILS.get(modifiers):
        text = f"{text} {lost}" if not text or is_adjective(text) else text
    if modifiers.startswith("(-"):
        text = _join_eponyms(text, modifiers)
    if level:
        return parse(text)
    if found := _MAIN.get(text) or _LOST_MAIN.get((text, modifiers)):
        return Term(found)
    term = parse(_uncapitalise(text, lower))
    return replace(term, text=f"{term.lead} {term.text}".strip(), lead="")


def _join_eponyms(text: str, modifiers: str) -> str:
    """ "Kelly" with "(-Patterson) syndrome (...)" -> "Kelly-Patterson syndrome"."""
    names = _EPONYMS.match(modifiers)
    tail = clean(modifiers[names.end() :]) if names else ""
    return f"{text}{re.sub(r'[() ]', '', names[0]) if names else ''} {tail}".strip()


def _uncapitalise(text: str, lower: Set[str]) -> str:
    """Main terms are capitalised; eponyms stay so."""
    first, _, rest = text.partition(" ")
    low = first.casefold().rstrip(",")
    common = low in lower or (_DISEASE_WORD.search(low) is not None and "-" not in first)
    return f"{first.casefold()} {rest}".strip() if common and "'" not in first else text
