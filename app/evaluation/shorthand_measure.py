"""What the whole pipeline makes of the words clinicians write: what it misses, what it must not code, wrong offsets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.evaluation.measured import Coder
from app.evaluation.run import Progress
from app.evaluation.shorthand_lines import Line
from app.pipeline.coding import CodedItem, Coding
from app.pipeline.note import CodingOptions, Document, Note

RULE = "language"  # of the warning that a text is not English


@dataclass(frozen=True, slots=True)
class Kind:
    """Counts of one kind of lines. coded: findings with a code of theirs in `codes`; found: or in `candidates`."""

    lines: int
    findings: int
    coded: int
    found: int


@dataclass(frozen=True, slots=True)
class ShorthandMeasured:
    """missed: "line codes" of findings that stand nowhere; forbidden: "line code" in `codes`; the rest by line."""

    kinds: dict[str, Kind]
    missed: tuple[str, ...]
    uncoded: tuple[str, ...]
    forbidden: tuple[str, ...]
    forbidden_candidates: tuple[str, ...]
    wrong_offsets: tuple[str, ...]
    wrong_language: tuple[str, ...]


def measure_shorthand(coder: Coder, lines: Sequence[Line], calibration: str, progress: Progress) -> ShorthandMeasured:
    """Code every line as a request without options has it, and compare with what the line supports."""
    counted: dict[str, Counter[str]] = {}
    missed: list[str] = []
    uncoded: list[str] = []
    forbidden: list[str] = []
    near: list[str] = []
    offsets: list[str] = []
    language: list[str] = []
    options = CodingOptions(calibration=calibration)
    for done, line in enumerate(lines, start=1):
        [coding] = coder.code([Note((Document(line.text),))], [options])
        counts = counted.setdefault(line.kind, Counter())
        counts["lines"] += 1
        for codes in line.expected:
            coded, listed = _has(coding.codes, codes), _has(coding.candidates, codes)
            counts.update(findings=1, coded=coded, found=coded or listed)
            if not coded:
                (uncoded if listed else missed).append(f"{line.id} {'/'.join(codes)}")
        forbidden += [f"{line.id} {item.code}" for item in coding.codes if item.code.startswith(line.forbidden)]
        near += [f"{line.id} {item.code}" for item in coding.candidates if item.code.startswith(line.forbidden)]
        offsets += [line.id] if _wrong_offsets(line.text, coding) else []
        language += [line.id] if _wrong_language(line, coding) else []
        progress("coding lines", done, len(lines))
    return ShorthandMeasured(
        kinds={kind: Kind(*(counts[name] for name in Kind.__slots__)) for kind, counts in counted.items()},
        missed=tuple(missed),
        uncoded=tuple(uncoded),
        forbidden=tuple(forbidden),
        forbidden_candidates=tuple(near),
        wrong_offsets=tuple(offsets),
        wrong_language=tuple(language),
    )


def _has(items: Sequence[CodedItem], codes: tuple[str, ...]) -> bool:
    return any(item.code.startswith(codes) for item in items)


def _wrong_offsets(text: str, coding: Coding) -> bool:
    items = (*coding.codes, *coding.candidates, *coding.suppressed)
    return any(text[e.start : e.end] != e.text or not e.text for item in items for e in item.evidence)


def _wrong_language(line: Line, coding: Coding) -> bool:
    warned = any(warning.rule == RULE for warning in coding.warnings)
    return warned != line.foreign or (line.foreign and bool(coding.codes))
