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
from app.edits.rules.trimester import trimesters
from app.pipeline.coding import Alternative, CodedItem, Coding

RULES: tuple[Rule, ...] = (
    headers,
    unspecified,
    laterality,
    trimesters,
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
    offered = {item.code: _offered(item, findings) for item in coding.codes}
    known = {one.code: one for item in coding.codes for one in item.alternatives}
    missing = list(dict.fromkeys(code for codes in offered.values() for code in codes if code not in known))
    for code, score in zip(missing, similarity(missing) if missing else (), strict=True):
        known[code] = Alternative(code, case.book.of(code).title, round(score, 4))
    codes = tuple(_with_findings(item, findings, [known[code] for code in offered[item.code]]) for item in coding.codes)
    return replace(
        coding,
        codes=tuple(_with_fields(item, case.book) for item in codes),
        candidates=tuple(_with_fields(item, case.book) for item in coding.candidates),
        suppressed=tuple(_with_fields(item, case.book) for item in coding.suppressed),
        warnings=(*coding.warnings, *(one.caution for one in findings if one.overall and one.caution)),
    )


def _offered(item: CodedItem, findings: Sequence[Finding]) -> list[str]:
    """Codes that rules want among the alternatives of this one."""
    found = (code for finding in findings if item.code in finding.on for code in finding.offered)
    return list(dict.fromkeys(code for code in found if code != item.code))


def _with_findings(item: CodedItem, findings: Sequence[Finding], offered: Sequence[Alternative]) -> CodedItem:
    """The offered codes stand first, then those that the search found."""
    own = tuple(finding.caution for finding in findings if item.code in finding.on and finding.caution)
    names = {one.code for one in offered}
    alternatives = (*offered, *(one for one in item.alternatives if one.code not in names))[:MOST_ALTERNATIVES]
    return replace(item, warnings=(*item.warnings, *own), alternatives=alternatives)


def _with_fields(item: CodedItem, book: RuleBook) -> CodedItem:
    return replace(item, hcc=book.hcc(item.code), poa_exempt=book.poa_exempt(item.code))
