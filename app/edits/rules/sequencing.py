"""Code first and use additional: what the tabular list wants beside a code, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from app.edits.case import Case, Finding, listed
from app.edits.facts import Facts, Instruction
from app.pipeline.coding import Caution

MANIFESTATION = "in diseases classified elsewhere"
LIKELY = 0.1  # probability of a candidate that is worth naming
# What a note seldom tells, and a coder adds only if it does: organisms, resistance, drugs, external causes.
_IF_KNOWN = ("B95", "B96", "B97", "Z16", "T36", "V", "W", "X", "Y")


def code_first(case: Case) -> Iterator[Finding]:
    """The code is listed after what its code first note names; a manifestation needs such a code at all."""
    beside = tuple(one.code for one in case.candidates)
    after: dict[str, list[str]] = {}  # what is listed later, by what comes first
    for item in case.codes:
        facts = case.book.of(item.code)
        if not facts.code_first:
            continue
        before = partners(facts, "code_first", case.names)
        near = partners(facts, "code_first", beside)
        for other, _ in before:
            after.setdefault(other, []).append(item.code)
        if near and not before:
            other, note = near[0]
            message = f"{item.code} is listed after {other}, a candidate (code first at {note.at})."
            yield Finding(Caution("code-first", message, (other, item.code)), on=(item.code,))
        elif not before and needs_underlying(facts):
            names = _examples(facts.code_first)
            message = f"{item.code} needs the code of its underlying condition before it{names}; none is in codes."
            yield Finding(Caution("code-first", message, (item.code,)), on=(item.code,))
    for other, later in after.items():
        message = f"List {other} before {listed(later)} (code first)."
        yield Finding(Caution("code-first", message, (other, *later)), (other, *later), overall=not case.inpatient)


def use_additional(case: Case) -> Iterator[Finding]:
    """A use additional note that no accepted code meets: by candidates, or by none although it always holds."""
    beside = tuple(one.code for one in case.candidates if one.probability is None or one.probability >= LIKELY)
    asking: dict[tuple[str, ...], list[tuple[str, str]]] = {}  # code and place of its note, by candidates
    lacking: dict[tuple[str, str], list[str]] = {}  # codes, by the note that nothing meets
    for item in case.codes:
        for notes in _lists(case.book.of(item.code).use_additional):
            if any(note.covers(code) for note in notes for code in case.names):
                continue
            found = tuple(code for code in beside if any(note.covers(code) for note in notes))[:2]
            if found:
                asking.setdefault(found, []).append((item.code, notes[0].at))
            for note in notes:
                if not found and _always(note):
                    lacking.setdefault((note.at, note.text), []).append(item.code)
    for found, by in asking.items():
        codes = tuple(dict.fromkeys(code for code, _ in by))
        verb, places = "ask" if len(codes) > 1 else "asks", ", ".join(dict.fromkeys(at for _, at in by))
        message = f"{listed(codes)} {verb} for one more code (use additional at {places}): candidate {listed(found)}."
        yield Finding(Caution("use-additional", message, (*codes, *found)), on=codes)
    for (at, text), those in lacking.items():
        verb = "ask" if len(those) > 1 else "asks"
        message = f"{listed(those)} {verb} for one more code (use additional at {at}): {text}."
        yield Finding(Caution("use-additional", message, tuple(those)), on=tuple(those))


def partners(
    facts: Facts, kind: Literal["code_first", "use_additional"], codes: Iterable[str]
) -> list[tuple[str, Instruction]]:
    """Those of `codes` that the code's notes name, each with the first line that does."""
    notes = facts.code_first if kind == "code_first" else facts.use_additional
    found = []
    for other in codes:
        note = next((note for note in notes if note.covers(other)), None) if other != facts.code else None
        if note is not None:
            found.append((other, note))
    return found


def needs_underlying(facts: Facts) -> bool:
    """Whether the code is a manifestation: by its title, or by a code first note for the underlying condition."""
    return MANIFESTATION in facts.title.lower() or any(note.underlying for note in facts.code_first)


def _lists(notes: Iterable[Instruction]) -> list[list[Instruction]]:
    """The items of one list together: one code meets them all."""
    found: dict[tuple[str, str], list[Instruction]] = {}
    for note in notes:
        found.setdefault((note.at, note.opening or note.text), []).append(note)
    return list(found.values())


def _always(note: Instruction) -> bool:
    if note.optional or note.opening or not note.references or not note.text.startswith("code"):
        return False
    return not any(reference.first.startswith(_IF_KNOWN) for reference in note.references)


def _examples(notes: tuple[Instruction, ...]) -> str:
    named = [note.text for note in notes if note.references]
    return f", such as {'; '.join(named[:2])}" if named else ""
