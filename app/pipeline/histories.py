"""Codes for what is over and for what relatives have: "history of breast cancer" is Z85.3, "mother had it" is Z80.3.

The code of the disease itself is not reported for these words. What a coder reports instead stands in
lexicon/histories.json; it takes the evidence of that code, its score and its probability, so it stands where that code
would have stood (docs/decisions/0019). Of the codes near to one mention the best alone is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.evidence import MOST
from app.pipeline.lexicon import read_lexicon

RULE = "history"
SAID = {Assertion.HISTORICAL: "as over", Assertion.FAMILY: "of a relative"}
STANDING = {Assertion.HISTORICAL: Assertion.PRESENT, Assertion.FAMILY: Assertion.FAMILY}

Maker = Callable[[str], CodedItem | None]  # a code -> the item without evidence; None: it may not be answered
Related = Callable[[Evidence], bool]  # whether the one who has the finding is of the patient's blood


@dataclass(frozen=True, slots=True)
class Offer:
    """A code in place of `item`, for those words of its evidence that are said of the past or of a relative."""

    code: str
    item: CodedItem
    about: Assertion
    evidence: tuple[Evidence, ...]

    def taken_by(self, made: CodedItem) -> CodedItem:
        """The offered code with the evidence and the worth of the item that it stands for."""
        told = Caution(RULE, f"{self.code} is offered: the note tells {SAID[self.about]} what {self.item.code} names.")
        return replace(
            made,
            score=self.item.score,
            probability=self.item.probability,
            evidence=_joined(made.evidence, self.evidence),
            assertion=STANDING[self.about],
            warnings=(*made.warnings, replace(told, codes=(self.item.code,))),
        )

    def beside(self, known: CodedItem) -> CodedItem:
        """A code that is worth more by itself, with these words as further evidence."""
        return replace(known, evidence=_joined(known.evidence, self.evidence))


@cache
def histories(code_set: str) -> dict[Assertion, dict[str, str]]:
    """Of a code set: for an assertion the code to report by the beginnings of the codes in whose place it stands."""
    rows = read_lexicon("histories").get(code_set, {})
    return {
        Assertion(about): {start: code for code, starts in codes.items() for start in starts}
        for about, codes in rows.items()
    }


def reported(code_set: str, about: Assertion, code: str) -> str | None:
    """The code to report in place of `code` for a finding that is said so; the longest beginning that fits counts."""
    codes = histories(code_set).get(about, {})
    return next((codes[code[:end]] for end in range(len(code), 0, -1) if code[:end] in codes), None)


def offers(code_set: str, items: Iterable[CodedItem], related: Related) -> Iterator[Offer]:
    """The offers of read items, best item first."""
    seen: list[Evidence] = []
    for item in sorted(items, key=lambda one: -one.score):
        told = [evidence for evidence in item.evidence if _tells(item, evidence, related)]
        fresh = tuple(one for one in told if not any(_overlap(one, other) for other in seen))
        seen.extend(fresh)
        for about in STANDING:
            evidence = tuple(one for one in fresh if one.assertion is about)
            code = reported(code_set, about, item.code) if evidence else None
            if code is not None:
                yield Offer(code, item, about, evidence)


def _tells(item: CodedItem, evidence: Evidence, related: Related) -> bool:
    """Whether evidence speaks of what is over, and nothing says that it goes on, or of a relative."""
    if evidence.assertion is Assertion.FAMILY:
        return related(evidence)
    return evidence.assertion is Assertion.HISTORICAL and item.assertion is Assertion.HISTORICAL


def _joined(first: Sequence[Evidence], more: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return (*first, *(one for one in more if not any(_overlap(one, other) for other in first)))[:MOST]


def _overlap(one: Evidence, other: Evidence) -> bool:
    return one.document == other.document and one.start < other.end and other.start < one.end
