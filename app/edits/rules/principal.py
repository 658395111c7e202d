"""Which code may be listed first, which one is suggested, and the order of the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.edits.case import Case, Finding, listed
from app.edits.rules.sequencing import needs_underlying, partners
from app.pipeline.coding import Assertion, Caution, CodedItem

_FILE = Path(__file__).parents[1] / "data" / "principal.json"
_PRINCIPAL = re.compile(r"\b(?:principal|primary)\b.*\bd(?:iagnos|x)", re.IGNORECASE)
NAMED = -1  # place of what stands under a heading that says principal
FAR = 99  # behind all sections that are named


@dataclass(frozen=True, slots=True)
class Order:
    """The tables of data/principal.json: code beginnings with what holds for them."""

    never: tuple[tuple[str, str, str], ...]  # beginning, rule, why
    first_only: tuple[str, ...]
    spared: tuple[str, ...]
    status: tuple[str, ...]
    local_infections: tuple[str, ...]
    sections: Mapping[str, int]


@cache
def order() -> Order:
    """data/principal.json, read once."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    never = tuple((start, row["rule"], row["why"]) for row in raw["never"] for start in row["codes"])
    sections = {label: rank for rank, labels in enumerate(raw["sections"]) for label in labels}
    return Order(
        never,
        tuple(raw["first_only"]),
        tuple(raw["first_only_except"]),
        tuple(raw["status"]),
        tuple(raw["local_infections"]),
        sections,
    )


def first_listed(case: Case) -> Iterator[Finding]:
    """The best code may not be listed first."""
    for item in case.codes[:1]:
        if (found := not_principal(case, item.code)) is not None:
            rule, why = found
            yield Finding(Caution(rule, f"{item.code} is never listed first: {why}.", (item.code,)), (item.code,), True)


def principal(case: Case) -> Iterator[Finding]:
    """For an inpatient: the principal diagnosis suggested, and the order of the codes."""
    if not case.inpatient or not case.codes:
        return
    wanted = sequenced(case)
    first = wanted[0]
    if not_principal(case, first.code) is not None:
        message = "None of the codes may be the principal diagnosis; look among the candidates."
        yield Finding(Caution("principal-suggestion", message), overall=True)
    elif unmet := _unmet_principal(case, first):
        message = f"No accepted code stands for what the note names as principal; candidates: {listed(unmet)}."
        yield Finding(Caution("principal-suggestion", message, unmet), overall=True)
    else:
        message = (
            f"Suggested principal diagnosis: {first.code} ({_reason(case, first)}). The reason for admission decides."
        )
        yield Finding(Caution("principal-suggestion", message, (first.code,)), on=(first.code,), overall=True)
    if len(wanted) > 1:
        codes = tuple(item.code for item in wanted)
        yield Finding(Caution("sequence", f"Suggested sequence: {', '.join(codes)}.", codes), overall=True)


def not_principal(case: Case, code: str) -> tuple[str, str] | None:
    """The rule that keeps a code from being listed first, and why; None for most."""
    for start, rule, why in order().never:
        if code.startswith(start):
            return rule, why
    if code.startswith("T") and "underdosing" in case.book.of(code).title.lower():
        return "unacceptable-principal", "underdosing is a circumstance of the condition treated"
    if needs_underlying(case.book.of(code)):
        return "manifestation-principal", "it is the manifestation of another condition"
    return None


def sequenced(case: Case) -> list[CodedItem]:
    """The codes in the order suggested: etiology before manifestation, then as the note ranks them."""
    ranked = sorted(case.codes, key=lambda item: (_tier(case, item), *_place(case, item)))
    ranked = _infections_last(ranked)
    after = {item.code: _before(case, item) for item in ranked}
    done: list[CodedItem] = []
    waiting = list(ranked)
    while waiting:
        placed = {item.code for item in done}
        free = next((item for item in waiting if not after[item.code] - placed), waiting[0])  # notes may form a ring
        waiting.remove(free)
        done.append(free)
    return done


def _before(case: Case, item: CodedItem) -> set[str]:
    """The codes that the notes list before this one."""
    facts = case.book.of(item.code)
    first = {other for other, _ in partners(facts, "code_first", case.names)}
    for other in case.names:
        if other != item.code and any(note.covers(item.code) for note in case.book.of(other).use_additional):
            first.add(other)
    return first


def _tier(case: Case, item: CodedItem) -> int:
    """0 pregnancy and birth, 1 encounters listed first only, 2 conditions, 3 symptoms, 4 status, 5 never first."""
    code = item.code
    if not_principal(case, code) is not None:
        return 5
    if code.startswith(order().first_only) and not code.startswith(order().spared):
        return 1
    if item.assertion is Assertion.HISTORICAL or code.startswith(order().status):
        return 4
    if code.startswith("O"):
        return 0
    return 3 if code.startswith("R") and not code.startswith("R65") else 2


def _place(case: Case, item: CodedItem) -> tuple[int, int, int]:
    """The best place of the code's evidence: rank of the section, document and offset in a list of diagnoses.

    In running text what is named first is not what the patient was admitted for: the codes' own order counts there.
    """
    places = [(FAR, 0, item.rank)]
    for evidence in item.evidence:
        section = case.section(evidence.document, evidence.start)
        heading = "" if section is None else _heading(case, section.document, section.start, section.heading_end)
        rank = NAMED if _PRINCIPAL.search(heading) else order().sections.get(evidence.section or "", FAR)
        if rank < FAR:
            places.append((rank, evidence.document, evidence.start))
    return min(places)


def _unmet_principal(case: Case, first: CodedItem) -> tuple[str, ...]:
    """Candidates found under a heading that says principal, where no accepted code was."""
    if _place(case, first)[0] == NAMED:
        return ()
    return tuple(item.code for item in case.candidates if _place(case, item)[0] == NAMED)[:3]


def _heading(case: Case, document: int, start: int, end: int) -> str:
    return case.note.note.documents[document].text[start:end]


def _infections_last(ranked: list[CodedItem]) -> list[CodedItem]:
    """Sepsis before the localized infection that comes with it (guideline I.C.1.d.4)."""
    sepsis = [item for item in ranked if item.code.startswith(("A40", "A41"))]
    local = [item for item in ranked if item.code.startswith(order().local_infections)]
    if not sepsis or not local or ranked.index(sepsis[0]) < ranked.index(local[0]):
        return ranked
    rest = [item for item in ranked if item not in sepsis]
    at = rest.index(local[0])
    return [*rest[:at], *sepsis, *rest[at:]]


def _reason(case: Case, item: CodedItem) -> str:
    if item.code.startswith("O"):
        return "pregnancy, childbirth and the puerperium are listed before other chapters"
    section = _place(case, item)[0]
    if section == NAMED:
        return "named as principal"
    named = next((e.section for e in item.evidence if order().sections.get(e.section or "") == section), None)
    return f"under {named.replace('_', ' ')}" if named else "best supported"
