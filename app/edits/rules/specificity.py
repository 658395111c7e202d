"""Codes that a claim cannot carry, or that say less than a coder is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.edits.case import Case, Finding, listed
from app.edits.details import (
    TYPE,
    completed,
    lexicon,
    neighbours,
    open_child,
    open_detail,
    seventh_detail,
    without_side,
    words_of,
)
from app.edits.facts import Facts, RuleBook
from app.edits.sides import sides_in
from app.edits.trimesters import trimesters_in
from app.pipeline.coding import Caution, CodedItem

_FILE = Path(__file__).parents[1] / "data" / "episodes.json"
EXTERNAL = ("V", "W", "X", "Y")


def headers(case: Case) -> Iterator[Finding]:
    """A header is no billable code: name what is missing, offer the child that leaves it open, and its siblings."""
    for item in case.codes:
        facts = case.book.of(item.code)
        if facts.billable:
            continue
        children = [case.book.of(child) for child in facts.children]
        if children and children[0].seventh:
            message = f"{item.code} needs its 7th character ({seventh_detail(case.book, facts)}): {_named(children)}."
            yield _finding("seventh-character-missing", message, item, tuple(child.code for child in children))
        elif children:
            offered = _below(case.book, facts)
            opening = open_child(case.book, facts)
            others = [child.title for child in children if child.code != opening]
            detail = (open_detail(case.book.of(opening).title, others) if opening else None) or "detail"
            message = f"{item.code} is a header, not billable: {detail} is missing. Billable: {listed(offered)}."
            yield _finding("header-not-billable", message, item, offered)


def unspecified(case: Case) -> Iterator[Finding]:
    """The code leaves open what its siblings tell; where that has no name, they are offered without a word."""
    for item in case.codes:
        detail, offered = _missing(case, item.code)
        if detail is None or not offered:
            continue
        if detail == TYPE:
            yield Finding(None, on=(item.code,), offered=offered)
            continue
        told = _told(case, item, detail, offered)
        if told is not None:
            message = f"{item.code} leaves the {detail} open; the note says {told[0]}: {told[1]}."
            offered = tuple(dict.fromkeys((told[1], *offered)))
        else:
            named = detail[0].upper() + detail[1:]
            message = f"{named} missing: {item.code} is unspecified; {listed(offered)} say more."
        yield _finding("detail-missing", message, item, offered)


def _missing(case: Case, code: str) -> tuple[str | None, tuple[str, ...]]:
    """The detail that a code leaves open, None for none, and codes that tell it."""
    stem = case.book.stem(code)
    if stem.code.startswith(EXTERNAL) or stem.code in lexicon().quiet or _told_beside(case, code):
        return None, ()
    query, asked = lexicon().queries.get(code, (None, ()))
    asked = tuple(other for other in asked if case.book.knows(other))
    if any(one[:3] == other[:3] for one in asked for other in case.names if other != code):
        return None, ()
    if query is not None:
        return query, asked
    detail = open_detail(stem.title, [case.book.of(other).title for other in case.book.siblings(stem.code)])
    offered = neighbours(case.book, code)
    if detail == "laterality":
        same = without_side(stem.title)
        offered = tuple(one for one in offered if without_side(case.book.stem(one).title) <= same) or offered
    return detail, offered


def _told_beside(case: Case, code: str) -> bool:
    """Whether a code below the same parent is accepted too: the two are reported as duplicates."""
    parent = case.book.stem(code).parent
    return parent is not None and any(other != code and parent in case.book.above(other) for other in case.names)


def _told(case: Case, item: CodedItem, detail: str, offered: tuple[str, ...]) -> tuple[str, str] | None:
    """What the note tells of a missing side or trimester, if it is one thing only, and the offered code of it."""
    if detail == "laterality":
        said = sides_in(case.around(item)) or case.sides
    elif detail == "trimester":
        said = trimesters_in(case.text)
    else:
        return None
    if len(said) != 1:
        return None
    [one] = said
    found = [code for code in offered if one in words_of(case.book.stem(code).title)]
    return (one, found[0]) if found else None


def episodes(case: Case) -> Iterator[Finding]:
    """The 7th character of an injury tells the episode of care; a note seldom does in so many words."""
    stated, later = _episode_words()
    for item in case.codes:
        facts = case.book.of(item.code)
        stem = case.book.stem(item.code)
        if not facts.seventh or facts.code.startswith(EXTERNAL) or case.says(stated):
            continue
        if seventh_detail(case.book, stem) != "episode of care":
            continue
        said = facts.title[len(stem.title) :].strip(" ,")
        others = tuple(other for other in case.book.siblings(item.code) if other[-1] in "ADS")
        fits = case.says(later) if facts.seventh == "D" else facts.seventh != "S" and not case.says(later)
        reads = "otherwise" if fits else "the note reads otherwise; compare"
        message = f"Episode of care missing: {item.code[-1]} ({said}) is assumed; {reads} {listed(others)}."
        yield _finding("episode-assumed", message, item, others)


@cache
def _episode_words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    return _any_of(raw["stated"]), _any_of(raw["later"])


def _any_of(phrases: list[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


def _below(book: RuleBook, facts: Facts) -> tuple[str, ...]:
    """Billable codes below a header, one for each child; that of the child that leaves most open first."""
    first = open_child(book, facts)
    order = [*([first] if first else []), *(child for child in facts.children if child != first)]
    found = [completed(book, child, "A") for child in order]
    return tuple(code for code in found if code is not None)[:6]


def _named(children: list[Facts]) -> str:
    return ", ".join(child.seventh for child in children)


def _finding(rule: str, message: str, item: CodedItem, offered: tuple[str, ...]) -> Finding:
    return Finding(Caution(rule, message, (item.code, *offered)), on=(item.code,), offered=offered)
