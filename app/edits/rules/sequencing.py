"""Code first and use additional: what the tabular list wants beside a code, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from app.edits.case import Case, Finding, listed
from app.edits.facts import Facts, Instruction
from app.pipeline.coding import Caution

MANIFESTATION = "in diseases classified elsewhere"
# What a note seldom tells, and a coder adds only if it does: organisms, external causes, drugs.
_IF_KNOWN = ("B95", "B96", "B97", "T36", "V", "W", "X", "Y")


def code_first(case: Case) -> Iterator[Finding]:
    """The code is listed after what its code first note names; a manifestation needs such a code at all."""
    for item in case.codes:
        facts = case.book.of(item.code)
        before = partners(case, facts, "code_first", case.names)
        for other, note in before:
            message = f"List {other} before {item.code} (code first at {note.at})."
            yield Finding(Caution("code-first", message, (other, item.code)), on=(item.code, other), overall=True)
        if before or not facts.code_first:
            continue
        near = partners(case, facts, "code_first", tuple(one.code for one in case.candidates))
        for other, note in near:
            message = (
                f"{item.code} is listed after {other} (code first at {note.at}), which stands among the candidates."
            )
            yield Finding(Caution("code-first", message, (other, item.code)), on=(item.code,))
        if not near and needs_underlying(facts):
            names = _examples(facts.code_first)
            message = f"{item.code} needs the code of its underlying condition before it{names}; none is in codes."
            yield Finding(Caution("code-first", message, (item.code,)), on=(item.code,))


def use_additional(case: Case) -> Iterator[Finding]:
    """A use additional note of the code is met by a candidate, or by none although it holds in any case."""
    beside = tuple(one.code for one in case.candidates)
    for item in case.codes:
        facts = case.book.of(item.code)
        for other, note in partners(case, facts, "use_additional", beside):
            if any(note.covers(code) for code in case.names):
                continue
            message = (
                f"{item.code} asks for a code of {_short(note)} (use additional at {note.at}): see candidate {other}."
            )
            yield Finding(Caution("use-additional", message, (item.code, other)), on=(item.code,))
        for note in facts.use_additional:
            if not _always(note) or any(note.covers(code) for code in (*case.names, *beside)):
                continue
            message = f"{item.code} asks for one more code (use additional at {note.at}): {note.text}."
            yield Finding(Caution("use-additional", message, (item.code,)), on=(item.code,))


def partners(
    case: Case, facts: Facts, kind: Literal["code_first", "use_additional"], codes: tuple[str, ...]
) -> list[tuple[str, Instruction]]:
    """Those of `codes` that the code's notes name, each with the first line that does."""
    notes = facts.code_first if kind == "code_first" else facts.use_additional
    found = []
    for other in codes:
        if other == facts.code:
            continue
        note = next((note for note in notes if note.covers(other)), None)
        if note is not None:
            found.append((other, note))
    return found


def needs_underlying(facts: Facts) -> bool:
    """Whether the code is a manifestation: by its title, or by a code first note for the underlying condition."""
    return MANIFESTATION in facts.title.lower() or any(note.underlying for note in facts.code_first)


def _always(note: Instruction) -> bool:
    if note.optional or not note.references or not note.text.startswith("code"):
        return False
    return not any(reference.first.startswith(_IF_KNOWN) for reference in note.references)


def _short(note: Instruction) -> str:
    shown = [one.first if one.first == one.last else f"{one.first}-{one.last}" for one in note.references]
    return listed(shown)


def _examples(notes: tuple[Instruction, ...]) -> str:
    named = [note.text for note in notes if note.references]
    return f", such as {'; '.join(named[:2])}" if named else ""
