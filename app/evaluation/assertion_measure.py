"""What the whole pipeline makes of the assertion traps: what leaks into `codes`, what is lost, what history offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.evaluation.assertion_traps import Finding, Trap
from app.evaluation.measured import Coder
from app.evaluation.run import Progress
from app.pipeline.coding import CodedItem, Coding
from app.pipeline.note import CodingOptions, Document, Note

STATUS = "Z"  # codes of circumstances claim no disease of the patient's


@dataclass(frozen=True, slots=True)
class Leak:
    """A code in `codes` that stands for a finding which must not be coded. said: its gold assertion, a~b for either."""

    trap: str
    code: str
    said: str


@dataclass(frozen=True, slots=True)
class Lost:
    """A finding to be coded, by the beginnings of its codes, that stands lower than with nothing suppressed."""

    trap: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrapsMeasured:
    """Counts over all traps. coded: findings, or offers, with a code in `codes`; listed: or in `candidates`."""

    traps: int
    leaks: tuple[Leak, ...]
    lost: tuple[Lost, ...]
    findings: int
    findings_coded: int
    findings_listed: int
    offers: int
    offers_coded: int
    offers_listed: int
    offers_missing: tuple[str, ...]


def measure_traps(coder: Coder, traps: Sequence[Trap], calibration: str, progress: Progress) -> TrapsMeasured:
    """Code every trap as a request would have it, and again with nothing suppressed to see what that lost."""
    leaks: list[Leak] = []
    lost: list[Lost] = []
    counted: Counter[str] = Counter()
    missing: list[str] = []
    for done, trap in enumerate(traps, start=1):
        served, annotated = _codings(coder, trap, calibration)
        leaks.extend(leaks_of(trap, served))
        for finding in trap.findings:
            if finding.codes and finding.counts(trap.encounter):
                height = _height(served, finding.codes, finding)
                counted.update(findings=1, findings_coded=height > 1, findings_listed=height > 0)
                if height < _height(annotated, finding.codes, finding):
                    lost.append(Lost(trap.id, finding.codes))
        for offer in trap.offers:
            height = _height(served, (offer,))
            counted.update(offers=1, offers_coded=height > 1, offers_listed=height > 0)
            missing += [] if height else [f"{trap.id} {offer}"]
        progress("coding traps", done, len(traps))
    names = ("findings", "findings_coded", "findings_listed", "offers", "offers_coded", "offers_listed")
    counts = {name: counted[name] for name in names}
    return TrapsMeasured(len(traps), tuple(leaks), tuple(lost), **counts, offers_missing=tuple(missing))


def leaks_of(trap: Trap, coding: Coding) -> Iterator[Leak]:
    """The codes in `codes` that are those of a finding not to be coded, or whose evidence is nothing but its words."""
    rightful = trap.offers + tuple(c for f in trap.findings if f.counts(trap.encounter) for c in f.codes)
    wrong = [finding for finding in trap.findings if not finding.counts(trap.encounter)]
    for item in coding.codes:
        if item.code.startswith(rightful):
            continue
        by_code = (finding for finding in wrong if item.code.startswith(finding.codes))
        blamed = next(by_code, None) or _by_words(trap, item, wrong)
        if blamed is not None:
            yield Leak(trap.id, item.code, "~".join(sorted(blamed.said)))


def _by_words(trap: Trap, item: CodedItem, wrong: Sequence[Finding]) -> Finding | None:
    if item.code.startswith(STATUS):
        return None
    touched = [[f for f in trap.findings if e.start < f.end and f.start < e.end] for e in item.evidence]
    if any(not found or any(finding not in wrong for finding in found) for found in touched):
        return None
    return touched[0][0]


def _codings(coder: Coder, trap: Trap, calibration: str) -> tuple[Coding, Coding]:
    note = Note((Document(trap.text),))
    served = CodingOptions(encounter=trap.encounter, calibration=calibration)
    codings = coder.code([note, note], [served, replace(served, assertion="annotate")])
    return codings[0], codings[1]


def _height(coding: Coding, starts: tuple[str, ...], finding: Finding | None = None) -> int:
    """2 for a code with one of these beginnings in `codes`, 1 in `candidates`, 0 nowhere.

    Of a finding those count that are read from its words: her son's strep throat is not her sore throat, though both
    are J02.
    """
    lists = ((2, coding.codes), (1, coding.candidates))
    named = ((height, item) for height, items in lists for item in items if item.code.startswith(starts))
    return next((height for height, item in named if finding is None or _reads(item, finding)), 0)


def _reads(item: CodedItem, finding: Finding) -> bool:
    return not item.evidence or any(e.start < finding.end and finding.start < e.end for e in item.evidence)
