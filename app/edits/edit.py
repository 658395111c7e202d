"""Runs the rules over an answer. The lists stay as they are: codes gain warnings, alternatives and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from app.edits.case import Case, Finding, Rule
from app.edits.facts import RuleBook
from app.edits.rules.admission import poa_exempt
from app.edits.rules.duplicates import duplicates
from app.edits.rules.excludes1 import excludes1
from app.edits.rules.laterality import laterality
from app.edits.rules.patient import ages, sexes
from app.edits.rules.principal import first_listed, principal
from app.edits.rules.sequencing import code_first, use_additional
from app.edits.rules.specificity import episodes, headers, unspecified
from app.pipeline.coding import Alternative, CodedItem, Coding

RULES: tuple[Rule, ...] = (
    headers,
    unspecified,
    laterality,
    episodes,
    excludes1,
    duplicates,
    code_first,
    use_additional,
    first_listed,
    ages,
    sexes,
    principal,
    poa_exempt,
)
MOST_ALTERNATIVES = 10
Similarity = Callable[[Sequence[str]], Sequence[float]]  # of codes to the note, as alternatives are scored


def edited(coding: Coding, case: Case, similarity: Similarity, rules: Iterable[Rule] = RULES) -> Coding:
    """The answer with its warnings; each code with its HCC category and whether it is exempt from POA reporting.

    similarity: cosines of codes that a rule offers as alternatives and the search did not return.
    """
    if not case.book.applies:
        return coding
    findings = [finding for rule in rules for finding in rule(case)]
    codes = tuple(_with_findings(item, findings, case.book, similarity) for item in coding.codes)
    return replace(
        coding,
        codes=tuple(_with_fields(item, case.book) for item in codes),
        candidates=tuple(_with_fields(item, case.book) for item in coding.candidates),
        suppressed=tuple(_with_fields(item, case.book) for item in coding.suppressed),
        warnings=(*coding.warnings, *(finding.caution for finding in findings if finding.overall)),
    )


def _with_findings(item: CodedItem, findings: Sequence[Finding], book: RuleBook, similarity: Similarity) -> CodedItem:
    own = [finding for finding in findings if item.code in finding.on]
    if not own:
        return item
    offered = dict.fromkeys(code for finding in own for code in finding.offered if code != item.code)
    warnings = (*item.warnings, *(finding.caution for finding in own))
    return replace(item, warnings=warnings, alternatives=_alternatives(item, list(offered), book, similarity))


def _alternatives(
    item: CodedItem, offered: list[str], book: RuleBook, similarity: Similarity
) -> tuple[Alternative, ...]:
    """The offered codes first, then those that the search found."""
    known = {one.code: one for one in item.alternatives}
    missing = [code for code in offered if code not in known]
    scores = similarity(missing) if missing else ()
    for code, score in zip(missing, scores, strict=True):
        known[code] = Alternative(code, book.of(code).title, round(score, 4))
    order = dict.fromkeys([*offered, *(one.code for one in item.alternatives)])
    return tuple(known[code] for code in order)[:MOST_ALTERNATIVES]


def _with_fields(item: CodedItem, book: RuleBook) -> CodedItem:
    return replace(item, hcc=book.hcc(item.code), poa_exempt=book.poa_exempt(item.code))
