"""What becomes of a code, given what the note says of its evidence.

A code whose own meaning is the assertion is kept by it: family history (Z80-Z84) by a relative's finding, screening,
exposure and allergy status by a hypothetical one, personal history by a historical one, "absence of ..." by evidence
that begins with "no". Any other code with historical evidence only may be a candidate.
Of ICD-10-CM guidelines II.H and IV.H: an uncertain diagnosis counts for an inpatient, and not for an outpatient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from app.pipeline.assertion.naming import detailing, naming, stems_of
from app.pipeline.assertion.phrases import assertion_lexicon
from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion, CodedItem, Evidence
from app.pipeline.histories import Maker, offers
from app.pipeline.note import CodingOptions

SUPPRESSING = frozenset({Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL})
INPATIENT = (Assertion.PRESENT, Assertion.POSSIBLE, Assertion.HISTORICAL)
OUTPATIENT = (Assertion.PRESENT, Assertion.HISTORICAL, Assertion.POSSIBLE)

Elsewhere = Callable[[CodedItem], tuple[Evidence, ...]]


class Place(StrEnum):
    """The best list that a code may stand in."""

    CODES = "codes"
    CANDIDATES = "candidates"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """assertion of the code, the list it may stand in, and the reason when that is `suppressed`."""

    assertion: Assertion
    place: Place
    reason: str | None = None


def judge(item: CodedItem, options: CodingOptions) -> Verdict:
    """The verdict on a code whose evidence has its assertions; the heaviest evidence names the reason."""
    own = _own_assertion(item)
    counted = [_counted(item, evidence.text, evidence.assertion, own) for evidence in item.evidence]
    order = INPATIENT if options.encounter == "inpatient" else OUTPATIENT
    best = next((one for one in order if one in counted), counted[0])
    if own is Assertion.FAMILY and any(evidence.assertion is own for evidence in item.evidence):
        return Verdict(own, Place.CODES)
    if options.assertion == "annotate":
        return Verdict(best, Place.CODES)
    if best in SUPPRESSING:
        return Verdict(best, Place.SUPPRESSED, best.value)
    uncertain = best is Assertion.POSSIBLE and options.encounter == "outpatient"
    aside = uncertain or best is Assertion.HISTORICAL  # what is over is not billed as if it went on
    aside = aside or own is Assertion.FAMILY  # no relative is named
    return Verdict(best, Place.CANDIDATES if aside else Place.CODES)


def _own_assertion(item: CodedItem) -> Assertion | None:
    """What a code is about by itself: Z80.3 about the family."""
    rows = assertion_lexicon().kept.get(item.system.rsplit("/", 1)[-1], ())
    return next((about for start, about in rows if item.code.startswith(start)), None)


def _counted(item: CodedItem, words: str, said: Assertion | None, own: Assertion | None) -> Assertion:
    """What one piece of evidence says of the code: "no menses", "left breast absent" say that what is missing is."""
    if said is None or said is own:
        return Assertion.PRESENT
    lexicon = assertion_lexicon()
    if said is Assertion.NEGATED and lexicon.absence.search(item.display):
        edges = {word.lower() for word in words.split()[:: max(1, len(words.split()) - 1)]}
        return said if edges.isdisjoint(lexicon.missing) else Assertion.PRESENT
    return said


def _nowhere(_: CodedItem) -> tuple[Evidence, ...]:
    return ()


@dataclass(slots=True)
class Sorted:
    """The codes of a note as they are looked at, best first. kept counts towards top_k, suppressed does not."""

    options: CodingOptions
    kept: list[CodedItem]
    suppressed: list[CodedItem]
    demoted: set[str]  # kept codes that may stand among the candidates only

    @classmethod
    def empty(cls, options: CodingOptions) -> Sorted:
        """Nothing looked at yet."""
        return cls(options, [], [], set())

    @property
    def wanted(self) -> int:
        """How many more codes the answer has room for."""
        return self.options.top_k - len(self.kept)

    def add(self, items: Iterable[CodedItem], reader: AssertionReader, elsewhere: Elsewhere = _nowhere) -> None:
        """Read the evidence of these codes and put each where it belongs.

        elsewhere: asked for more evidence of a code that its own would keep out of `codes`
        """
        for item in items:
            read = asserted(item, reader)
            verdict = judge(read, self.options)
            if verdict.place is not Place.CODES and (more := elsewhere(read)):
                read = asserted(replace(read, evidence=(*read.evidence, *more)), reader)
                verdict = judge(read, self.options)
            listed = self.suppressed if verdict.place is Place.SUPPRESSED else self.kept
            if verdict.place is Place.CANDIDATES:
                self.demoted.add(item.code)
            listed.append(replace(read, assertion=verdict.assertion, rank=len(listed) + 1, reason=verdict.reason))

    def offer(self, code_set: str, reader: AssertionReader, make: Maker) -> None:
        """Add what a coder reports for findings of the past and of relatives, each where its score belongs."""
        if self.options.assertion == "annotate":
            return
        kept = {item.code: item for item in self.kept}
        for one in offers(code_set, [*self.kept, *self.suppressed], reader.of_kin):
            known = None if one.code in self.demoted else kept.get(one.code)
            if known is not None and known.score >= one.item.score:
                kept[one.code] = one.beside(known)
            elif made := known or make(one.code):
                kept[one.code] = one.taken_by(made)
                self.demoted.discard(one.code)
        ranked = sorted(kept.values(), key=lambda item: -item.score)  # stable: equals stay in order
        self.kept = [replace(item, rank=rank) for rank, item in enumerate(ranked, start=1)]
        self.suppressed = [item for item in self.suppressed if item.code not in kept]


def asserted(item: CodedItem, reader: AssertionReader) -> CodedItem:
    """The code with what the note says of each piece of its evidence.

    Where the title asks for more than the evidence has ("with hypoglycemia") and the note denies that, it denies the
    code.
    """
    named = naming(item.display)
    evidence = tuple(replace(e, assertion=reader.assess(e.document, e.start, e.end, named)) for e in item.evidence)
    details = detailing(item.display)
    if details and details.isdisjoint(stems_of(" ".join(e.text for e in evidence))) and reader.denies(details):
        evidence = tuple(replace(e, assertion=Assertion.NEGATED) for e in evidence)
    return replace(item, evidence=_not_less_than_denied(evidence))


def _not_less_than_denied(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Without words that say less than the heaviest do, where the note denies those: with otitis media denied, the
    "otitis" of an otitis externa is no evidence of it."""
    if not evidence or evidence[0].assertion is not Assertion.NEGATED:
        return evidence
    denied = stems_of(evidence[0].text)
    return tuple(one for one in evidence if not stems_of(one.text) < denied)
