"""Combination codes: what the guidelines make of findings that stand apart in the note.

"Hypertension" in one line, "heart failure" and "CKD" in others: no clause names I13.0, and the guidelines presume it.
A combination is added, or made as probable as its least probable part, when all its parts are answered; the codes in
whose place it is reported, and codes that another one of their category bars, become less probable by as much. Every
code so moved says why in a warning. Only calibrations that ask for it combine (docs/decisions/0021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache

from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.evidence import MOST
from app.pipeline.lexicon import read_lexicon

Prefixes = tuple[str, ...]
Maker = Callable[[str], CodedItem | None]  # a code -> the item without evidence; None: it may not be answered
ScoreOf = Callable[[float], float]  # a probability -> the score that ranks with it
COMBINED = "icd-10-cm"  # the code set that the rules are of
RULE, BARRED = "combination", "barred"
_SHARE = 0.99  # of the least probable part: it ranks right behind its parts


@dataclass(frozen=True, slots=True)
class Combination:
    """code: reported for findings of one code of each group of `parts`, in place of `instead`, unless `unless` is."""

    code: str
    parts: tuple[Prefixes, ...]
    instead: Prefixes
    unless: Prefixes
    because: str


@dataclass(frozen=True, slots=True)
class Bar:
    """code: not reported beside a code that begins like one of `by`."""

    code: str
    by: Prefixes
    because: str


@cache
def combinations() -> tuple[tuple[Combination, ...], tuple[Bar, ...]]:
    """The rules of the lexicon, in its order."""
    lexicon = read_lexicon("combinations")
    combined = tuple(
        Combination(
            row["code"],
            tuple(tuple(group) for group in row["of"]),
            tuple(row["instead"]),
            tuple(row["unless"]),
            row["because"],
        )
        for row in lexicon["combinations"]
    )
    return combined, tuple(Bar(row["code"], tuple(row["by"]), row["because"]) for row in lexicon["barred"])


def combine(
    items: Sequence[CodedItem], *, floor: float, demoted: AbstractSet[str], make: Maker, score_of: ScoreOf
) -> list[CodedItem]:
    """The items, best first, with combinations added and what they replace made less probable; ranks are theirs.

    floor:   least probability of a part; demoted: codes that may be candidates only, and are parts of nothing
    Items without a probability come back as they are.
    """
    if any(item.probability is None for item in items):
        return list(items)
    answer = _Answer({item.code: item for item in items}, floor, demoted, make, score_of)
    rules, bars = combinations()
    for rule in rules:
        answer.apply(rule)
    for bar in bars:
        answer.bar(bar)
    ranked = sorted(answer.items.values(), key=lambda item: -item.score)  # stable: equals stay in order
    return [replace(item, rank=rank) for rank, item in enumerate(ranked, start=1)]


@dataclass(slots=True)
class _Answer:
    items: dict[str, CodedItem]
    floor: float
    demoted: AbstractSet[str]
    make: Maker
    score_of: ScoreOf

    def apply(self, rule: Combination) -> None:
        """Report the combination if all its parts are answered and nothing stands against it."""
        if self._best(rule.unless, rule.code):
            return
        parts = [self._best(group, rule.code) for group in rule.parts]
        known = self.items.get(rule.code)
        if None in parts or not (found := known or self.make(rule.code)):
            return
        least = min(_probability(part) for part in parts if part)
        probability = round(max(_SHARE * least, 0.0 if known is None else _probability(known)), 4)
        codes = tuple(part.code for part in parts if part)
        told = Caution(RULE, f"{rule.code} stands for {' with '.join(codes)} ({rule.because}).", codes)
        evidence = _joined([found, *(part for part in parts if part)])
        self.items[rule.code] = replace(
            found,
            probability=probability,
            score=self.score_of(probability) if known is None or probability > _probability(known) else found.score,
            evidence=evidence,
            assertion=Assertion.PRESENT,
            warnings=(*found.warnings, told),
        )
        for item in list(self.items.values()):
            if item.code != rule.code and item.code.startswith(rule.instead):
                said = f"{item.code} is reported as {rule.code} ({rule.because})."
                self._lessen(item, probability, Caution(RULE, said, (rule.code,)))

    def bar(self, rule: Bar) -> None:
        """Lessen the code by the most probable one that bars it."""
        item, by = self.items.get(rule.code), self._best(rule.by, rule.code)
        if item and by and not any(caution.rule == RULE and by.code in caution.codes for caution in item.warnings):
            said = f"{item.code} is not reported beside {by.code} ({rule.because})."
            self._lessen(item, _probability(by), Caution(BARRED, said, (by.code,)))

    def _best(self, prefixes: Prefixes, but: str) -> CodedItem | None:
        """The most probable answered code that begins so."""
        if not prefixes:
            return None
        answered = [
            item
            for item in self.items.values()
            if item.code.startswith(prefixes)
            and item.code != but
            and item.code not in self.demoted
            and _probability(item) >= self.floor
        ]
        return max(answered, key=_probability, default=None)

    def _lessen(self, item: CodedItem, by: float, why: Caution) -> None:
        probability = round(_probability(item) * (1 - by), 4)
        score = min(item.score, self.score_of(probability))
        self.items[item.code] = replace(item, probability=probability, score=score, warnings=(*item.warnings, why))


def _probability(item: CodedItem) -> float:
    return item.probability or 0.0


def _joined(items: Sequence[CodedItem]) -> tuple[Evidence, ...]:
    """The heaviest evidence of each item first, then the others; each place once."""
    firsts = [item.evidence[0] for item in items if item.evidence]
    rest = [evidence for item in items for evidence in item.evidence[1:]]
    placed: dict[tuple[int, int, int], Evidence] = {}
    for evidence in (*firsts, *rest):
        placed.setdefault((evidence.document, evidence.start, evidence.end), evidence)
    return tuple(placed.values())[:MOST]
