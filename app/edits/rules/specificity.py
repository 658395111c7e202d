"""Codes that a claim cannot carry, or that say less than a coder is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.edits.case import Case, Finding, listed
from app.edits.details import completed, neighbours, open_child, open_detail, seventh_detail
from app.edits.facts import Facts, RuleBook
from app.pipeline.coding import Caution, CodedItem

_FILE = Path(__file__).parents[1] / "data" / "episodes.json"
EXTERNAL = ("V", "W", "X", "Y")
# Where "type" is all that can be named, symptoms, injuries and circumstances leave it open all the time.
_TYPE_SAYS_LITTLE = ("R", "S", "T", "Z", *EXTERNAL)


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
    """The code leaves open what its siblings tell."""
    for item in case.codes:
        stem = case.book.stem(item.code)
        titles = [case.book.of(other).title for other in case.book.siblings(stem.code)]
        detail = open_detail(stem.title, titles)
        if detail is None or stem.code.startswith(EXTERNAL):
            continue
        if detail == "type" and stem.code.startswith(_TYPE_SAYS_LITTLE):
            continue
        offered = neighbours(case.book, item.code)
        if offered:
            message = f"{item.code} leaves the {detail} open; {listed(offered, 3)} would tell it."
            yield _finding("detail-missing", message, item, offered)


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
        reads = "The note speaks of later care; compare" if case.says(later) else "Otherwise"
        others = tuple(other for other in case.book.siblings(item.code) if other[-1] in "DS")
        message = f"The note does not say the episode of care: {facts.seventh} ({said}) is assumed."
        yield _finding("episode-assumed", f"{message} {reads} {listed(others)}.", item, others)


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
