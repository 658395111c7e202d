"""The items of an answer while rules that need several of them at once work on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.evidence import MOST
from app.pipeline.spans import Segmented, Sentence

Prefixes = tuple[str, ...]
Maker = Callable[[str], CodedItem | None]  # a code -> the item without evidence; None: it may not be answered
ScoreOf = Callable[[float], float]  # a probability -> the score that ranks with it
LITERAL = 1.0  # weight of words that are looked for by themselves, where cosines weigh others
SHARE = 0.99  # of the least probable part: what is made of parts ranks right behind them


@dataclass(slots=True)
class Answering:
    """Items by code.

    floor:   least probability of a code that rules build on
    demoted: codes that may be candidates only, and that no rule builds on; what a rule reports is none any more
    """

    items: dict[str, CodedItem]
    floor: float
    demoted: set[str]
    make: Maker
    score_of: ScoreOf

    def best(self, prefixes: Prefixes, but: str = "", floor: float | None = None) -> CodedItem | None:
        """The most probable answered code that begins so; floor: another one than that of the answer."""
        if not prefixes:
            return None
        least = self.floor if floor is None else floor
        answered = [
            item
            for item in self.items.values()
            if item.code.startswith(prefixes)
            and item.code != but
            and item.code not in self.demoted
            and worth(item) >= least
        ]
        return max(answered, key=worth, default=None)

    def report(self, code: str, least: float, evidence: Sequence[Sequence[Evidence]], why: Caution) -> float | None:
        """Add a code, or make it about as probable as `least`; its probability then, None where it may not be answered.

        least:    probability of the least probable thing that it follows from
        evidence: the words that it follows from, in groups; the first of each comes before the others
        """
        known = self.items.get(code)
        if not (found := known or self.make(code)):
            return None
        self.demoted.discard(code)
        before = 0.0 if known is None else worth(known)
        probability = round(max(SHARE * least, before), 4)
        self.items[code] = replace(
            found,
            probability=probability,
            score=self.score_of(probability) if known is None or probability > before else found.score,
            evidence=_joined([found.evidence, *evidence]),
            assertion=Assertion.PRESENT,
            warnings=(*found.warnings, why),
        )
        return probability

    def lessen(self, item: CodedItem, by: float, why: Caution) -> None:
        """Make an item less probable by the probability of what stands against it."""
        probability = round(worth(item) * (1 - by), 4)
        score = min(item.score, self.score_of(probability))
        self.items[item.code] = replace(item, probability=probability, score=score, warnings=(*item.warnings, why))

    def step_back(self, starts: Prefixes, but: Collection[str], by: float, why: Caution) -> None:
        """Lessen the items that begin so, but for those of `but`; their warnings say the code before `why`."""
        for item in list(self.items.values()):
            if item.code.startswith(starts) and item.code not in but:
                self.lessen(item, by, replace(why, message=f"{item.code}: {why.message}"))

    def ranked(self) -> list[CodedItem]:
        """The items, best first, with their ranks; equal ones stay in order."""
        found = sorted(self.items.values(), key=lambda item: -item.score)
        return [replace(item, rank=rank) for rank, item in enumerate(found, start=1)]


def worth(item: CodedItem) -> float:
    """The probability of an item that has one."""
    return item.probability or 0.0


def literal(note: Segmented, sentence: Sentence, found: re.Match[str]) -> Evidence:
    """Words of a sentence that were looked for by themselves, as evidence of what the patient has."""
    start, end = sentence.start + found.start(), sentence.start + found.end()
    section = note.sections[sentence.section].label
    return Evidence(sentence.document, start, end, found[0], LITERAL, section, Assertion.PRESENT)


def _joined(groups: Sequence[Sequence[Evidence]]) -> tuple[Evidence, ...]:
    """The first evidence of each group first, then the others; each place once."""
    firsts = [group[0] for group in groups if group]
    rest = [evidence for group in groups for evidence in group[1:]]
    placed: dict[tuple[int, int, int], Evidence] = {}
    for evidence in (*firsts, *rest):
        placed.setdefault((evidence.document, evidence.start, evidence.end), evidence)
    return tuple(placed.values())[:MOST]
