"""Training pairs: stored decisions laid over the operator's own notes, in the format of practice notes.

The format is that of app/evaluation/practice_notes.py: `[[words|CODE]]`, one mark per run of words. Rejected codes have
no mark; readers of the format take an unmarked code as one that is not to be reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.feedback.review import Decision, OffsetUnit, Place, Review
from index_builder.marks import unmarked

SETTING: Final = "reviewed"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Exported:
    """text: a file of practice notes; left_out: reasons and how many reviews they concern."""

    text: str
    notes: int
    codes: int
    left_out: Mapping[str, int] = field(default_factory=dict)


class LeftOut(Exception):
    """A review that cannot become a practice note; the message says why, and names no note."""


def export(reviews: Iterable[Review], notes: Path) -> Exported:
    """The reviews whose notes are in the folder, as <note_id> or <note_id>.txt; of one note the last review counts."""
    last = {(review.note_id or review.request_id): review for review in reviews}
    parts: list[str] = []
    reasons: Counter[str] = Counter()
    codes = 0
    for number, review in enumerate(last.values(), start=1):
        try:
            text = read_note(notes, review)
            parts.append(f"=== review-{number:05} | {SETTING}\n{marked(text, review)}\n")
            codes += len(_kept(review))
        except LeftOut as reason:
            reasons[str(reason)] += 1
    return Exported("\n".join(parts), len(parts), codes, dict(reasons))


def read_note(folder: Path, review: Review) -> str:
    """The note as it was sent. Raises LeftOut."""
    if review.note_id is None:
        raise LeftOut("sent without a note_id")
    for file in folder.iterdir():  # compared, never joined: an id cannot lead out of the folder
        if file.name in (review.note_id, f"{review.note_id}.txt") and file.is_file():
            try:
                return file.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                raise LeftOut("the note is not UTF-8") from None
    raise LeftOut("no such note in the folder")


def marked(text: str, review: Review) -> str:
    """The note with accepted and added codes marked at their best words. Raises LeftOut."""
    spans: dict[Span, list[str]] = {}
    for code, place in _kept(review).items():
        span = _on_one_line(text, _codepoints(text, place, review.offset_unit))
        spans.setdefault(span, []).append(code)
    result = text
    for (start, end), codes in sorted(_disjoint(text, spans).items(), reverse=True):
        result = f"{result[:start]}[[{result[start:end]}|{'+'.join(codes)}]]{result[end:]}"
    result = result.strip("\n")
    plain, marks = unmarked(result)
    if plain != text.strip("\n") or {mark.code for mark in marks} != set(_kept(review)) or "\n=== " in f"\n{text}":
        raise LeftOut("the note holds signs of the format itself")
    return result


def _kept(review: Review) -> dict[str, Place]:
    """Codes to be reported, each with its first place. Raises LeftOut for one without words."""
    kept = {}
    for decided in review.decisions:
        if decided.decision is Decision.REJECTED:
            continue
        if not decided.evidence:
            raise LeftOut("a code was added without its words")
        if decided.evidence[0].document:
            raise LeftOut("several documents")
        kept[decided.code] = decided.evidence[0]
    if not kept:
        raise LeftOut("no code was accepted or added")
    return kept


def _codepoints(text: str, place: Place, unit: OffsetUnit) -> Span:
    if unit is OffsetUnit.UTF16:
        units = text.encode("utf-16-le")
        start, end = (len(units[: 2 * at].decode("utf-16-le", "ignore")) for at in (place.start, place.end))
        inside = 2 * place.end <= len(units)
    else:
        start, end = place.start, place.end
        inside = end <= len(text)
    if not inside or start >= end:
        raise LeftOut("offsets lie outside the note: it is not the text that was sent")
    return start, end


def _on_one_line(text: str, span: Span) -> Span:
    """The longest part of a span that the format can hold: no line break, bracket or bar in it."""
    best, start = (span[0], span[0]), span[0]
    for at in range(span[0], span[1] + 1):
        if at == span[1] or text[at] in "\n\r[]|":
            best = max(best, (start, at), key=lambda part: part[1] - part[0])
            start = at + 1
    if not text[best[0] : best[1]].strip():
        raise LeftOut("evidence without words")
    return best


def _disjoint(text: str, spans: Mapping[Span, list[str]]) -> dict[Span, list[str]]:
    """Overlapping spans become one with the codes of all: marks cannot stand in each other."""
    joined: dict[Span, list[str]] = {}
    for (start, end), codes in _in_order(spans):
        if joined and start < (last := next(reversed(joined)))[1]:
            known = joined.pop(last)
            joined[_on_one_line(text, (last[0], max(last[1], end)))] = [*known, *codes]
        else:
            joined[start, end] = list(codes)
    return joined


def _in_order(spans: Mapping[Span, list[str]]) -> Iterator[tuple[Span, list[str]]]:
    return iter(sorted(spans.items()))
