"""The pipeline object: notes in, codings out. The service, the command line and the evaluation all use this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial

import numpy as np

from app.edits.case import Case
from app.edits.edit import edited
from app.edits.facts import RuleBook
from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.assertion.verdict import Sorted
from app.pipeline.calibration import Calibration
from app.pipeline.cascade import (
    FULL,
    MIDDLE,
    NEAR,
    SEARCH,
    STAGE_OF,
    Cascaded,
    Reach,
    cascade,
    exhaustive,
    rescored,
)
from app.pipeline.coder import Tell, Versions, told_in_order
from app.pipeline.coding import Alternative, CodedItem, Coding, Evidence
from app.pipeline.conventions.follow import CODE_SET, follow_conventions
from app.pipeline.crew import Crew
from app.pipeline.crowding import in_crowded_order
from app.pipeline.decision import COSINES, Floors, floors_of, shown, split, told
from app.pipeline.encoding import EncodedNote, encode
from app.pipeline.evidence import EvidenceFinder
from app.pipeline.families import Families
from app.pipeline.features import Priors, Shortlist, features
from app.pipeline.naming import Namer
from app.pipeline.note import CodingOptions, Note, stage_widths
from app.pipeline.phrases import in_phrases
from app.pipeline.reading.language import language_cautions
from app.pipeline.reading.misspellings import vocabulary
from app.pipeline.reading.restoring import as_sent
from app.pipeline.reading.shorthand import shorthand_lexicon
from app.pipeline.scoring import Scored, Scorer, read, uncalibrated
from app.pipeline.segment import segment_read
from app.pipeline.shadows import lift_shadows
from app.pipeline.stopwatch import Stopwatch
from app.pipeline.trace import Examined, Ranking, Trace
from app.pipeline.words import WordReader
from index_builder.catalog import Catalog
from index_builder.index import CodeHits, CodeIndex
from model.backends import SIDE_BY_SIDE
from model.encoder import Encoder
from model.nested import PREFIXES, prefix
from model.prefix_encoder import cut

ALTERNATIVES = 5


class CodingPipeline:
    """An encoder and the index that was built with it, and what was learned on top of both.

    calibrations: by name, learned on this encoder. Without any, answers have scores and no probabilities.
    encoding_unit overrides the encoder's own ("clause" or "window"), for comparisons. threads: that code notes side by
    side where the encoder runs on the CPU, 0 = one for each core.
    """

    def __init__(
        self,
        encoder: Encoder,
        index: CodeIndex,
        *,
        calibrations: Mapping[str, Calibration] | None = None,
        encoding_unit: str | None = None,
        threads: int = 0,
    ) -> None:
        self._encoder = cut(encoder, index.manifest.dimensions)  # (S, d): notes as wide as the forms are kept
        self._index = index
        self._unit = encoding_unit
        self._lender: CodingPipeline | None = None
        self._crew = Crew(threads if encoder.info.backend in SIDE_BY_SIDE else 1)
        vocabulary()  # read once, now: the first note should not wait for them
        shorthand_lexicon()
        catalog = index.catalog
        self._families = Families(catalog.code_names)
        self._namer = Namer(catalog, self._families)
        self._rules = RuleBook(catalog)
        self._scorers = {name: Scorer.of(one, catalog, self._families) for name, one in (calibrations or {}).items()}
        self._versions = Versions(
            model=encoder.info.version,
            index=index.manifest.content_hash(),
            code_set=f"{catalog.name} {catalog.edition}",
            calibrations={name: scorer.calibration.label for name, scorer in self._scorers.items()},
        )

    def with_calibrations(self, calibrations: Mapping[str, Calibration]) -> CodingPipeline:
        """The same encoder and index under other calibrations."""
        other = CodingPipeline(self._encoder, self._index, calibrations=calibrations, encoding_unit=self._unit)
        other._crew = self._crew
        other._lender = self  # the index is closed with the pipeline that opened it
        return other

    @property
    def versions(self) -> Versions:
        """What answers are made with."""
        return self._versions

    @property
    def index(self) -> CodeIndex:
        """The loaded index."""
        return self._index

    @property
    def catalog(self) -> Catalog:
        """The loaded code set."""
        return self._index.catalog

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        """One coding per note. Short notes are encoded together, long ones side by side; each is searched alone."""
        return told_in_order(self, notes, options)

    def code_telling(self, notes: Sequence[Note], options: Sequence[CodingOptions], tell: Tell) -> None:
        """As `code`; each coding is told as soon as it is there."""

        def share(part: slice) -> None:
            encoded, spent = self.encoded(notes[part])
            for place, note in enumerate(encoded, start=part.start):
                tell(place, self.code_encoded(note, options[place], spent))

        self._crew.each(share, notes)

    def encoded(self, notes: Sequence[Note]) -> tuple[list[EncodedNote], dict[str, float]]:
        """The notes segmented and encoded, and the milliseconds of both stages."""
        shared = Stopwatch()
        segmented = [segment_read(note) for note in notes]
        shared.mark("segment")
        encoded = encode(self._encoder, segmented, self._unit)
        shared.mark("encode")
        return encoded, shared.milliseconds

    def code_encoded(self, note: EncodedNote, options: CodingOptions, spent: Mapping[str, float]) -> Coding:
        """The coding of a note that a pipeline of the same encoder and width has encoded; spent: its milliseconds."""
        clock = Stopwatch()
        clock.milliseconds.update(spent)
        stages = self._cascade(note, options, clock)
        words = WordReader(self._encoder, note)
        scored = self._score(note, stages, words, self._scorer(options))
        clock.mark("attend")
        return self._decide(note, stages, scored, words, options, clock)

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False, prefixes: bool = False) -> Trace:
        """One note with what every stage ranked; `exact` and `prefixes` add the exhaustive searches."""
        encoded = encode(self._encoder, [segment_read(note)], self._unit)[0]
        clock, scorer, reach = Stopwatch(), self._scorer(options), self._reach(options)
        widths = stage_widths(options.widths, options.top_k)
        words = WordReader(self._encoder, encoded)
        stages = self._cascade(encoded, options, clock)
        scored = self._score(encoded, stages, words, scorer)
        oracle = None
        if exact:
            reading = self._reading(encoded, options)
            oracle = exhaustive(self._index, self._families, encoded, widths, reading, clock)
        return Trace(
            search64=self._ranking(stages.search64),
            rescore256=self._ranking(stages.rescore256),
            rescore768=self._ranking(stages.rescore768),
            attend=self._ranking(scored.hits),
            exact768=self._ranking(self._score(encoded, oracle, words, scorer).hits) if oracle else None,
            final=self._decide(encoded, stages, scored, words, options, clock),
            prefixes={d: self._by_prefix(encoded, reach, widths.candidates, d) for d in self._kept() if prefixes},
            margins=stages.margins,
        )

    def examined(self, note: Note, options: CodingOptions) -> Examined:
        """A note and its ranked shortlist: what evidence is looked for in."""
        encoded = encode(self._encoder, [segment_read(note)], self._unit)[0]
        words, stages = WordReader(self._encoder, encoded), self._cascade(encoded, options, Stopwatch())
        return Examined(encoded, words, self._score(encoded, stages, words, self._scorer(options)))

    def shortlist(self, note: Note, options: CodingOptions) -> Shortlist:
        """The shortlisted codes of a note and their features: what calibrations are learned from.

        The candidates are chosen as the calibration named in `options` chooses them, or by cosine without one.
        """
        encoded = encode(self._encoder, [segment_read(note)], self._unit)[0]
        stages = self._cascade(encoded, options, Stopwatch())
        hits = stages.rescore768
        forms = self._index.vectors(hits.forms)
        words, scorer = WordReader(self._encoder, encoded), self._scorer(options)
        if scorer is not None:
            return Shortlist(hits.positions, scorer.columns(encoded, stages, words, forms))
        runs, priors = read(words, hits, forms), Priors.none(self.catalog.code_count)
        return Shortlist(hits.positions, features(encoded, stages, runs, forms, self.catalog, self._families, priors))

    def _cascade(self, note: EncodedNote, options: CodingOptions, clock: Stopwatch) -> Cascaded:
        """The search stages as the options ask for them."""
        scorer, widths = self._scorer(options), stage_widths(options.widths, options.top_k)
        rule = None if scorer is None else scorer.calibration.rule(options)
        return cascade(self._index, self._families, note, widths, self._reading(note, options), clock, rule)

    def _scorer(self, options: CodingOptions) -> Scorer | None:
        """The calibration asked for. Without any loaded there is none to ask for; else KeyError for an unknown one."""
        return self._scorers[options.calibration] if self._scorers else None

    def _reach(self, options: CodingOptions) -> Reach:
        mask = self.catalog.within(options.within) if options.within else None
        if options.billable_only:
            mask = self.catalog.billable if mask is None else mask & self.catalog.billable
        scorer = self._scorer(options)
        return Reach(mask, None if scorer is None else scorer.bias)

    def _reading(self, note: EncodedNote, options: CodingOptions) -> Reach:
        """The reach of the options in one note: codes that it names are nearer."""
        reach, names = self._reach(options), self._namer.names(note.segmented)
        return Reach(reach.allowed, self._namer.nearer(names, reach.bias), names)

    def _score(self, note: EncodedNote, stages: Cascaded, words: WordReader, scorer: Scorer | None) -> Scored:
        forms = self._index.vectors(stages.rescore768.forms)
        return uncalibrated(stages, words, forms) if scorer is None else scorer.score(note, stages, words, forms)

    def _kept(self) -> tuple[int, ...]:
        """The prefixes that the index holds."""
        return tuple(d for d in PREFIXES if d <= self._index.manifest.dimensions)

    def _by_prefix(self, note: EncodedNote, reach: Reach, width: int, dimensions: int) -> Ranking:
        standing = self._families.representatives(reach.allowed)
        near = self._index.search_exact(prefix(note.vectors, dimensions), NEAR * width, standing, reach.bias)
        return self._ranking(in_crowded_order(near, reach.of(near)).head(width))

    def _ranking(self, hits: CodeHits) -> Ranking:
        names = self.catalog.code_names
        return Ranking(tuple(names[p] for p in hits.positions.tolist()), tuple(hits.scores.tolist()))

    def _decide(
        self,
        note: EncodedNote,
        stages: Cascaded,
        scored: Scored,
        words: WordReader,
        options: CodingOptions,
        clock: Stopwatch,
    ) -> Coding:
        asserted = AssertionReader(note.segmented)
        clock.mark("assert")
        finder, found, scorer = EvidenceFinder(note, words), Sorted.empty(options), self._scorer(options)
        floors = COSINES if scorer is None else floors_of(scorer.calibration, options.threshold)
        rank = 0
        while found.wanted > 0 and rank < len(scored):  # what is suppressed leaves room for the next
            upto = min(rank + found.wanted, len(scored))
            items = [self._item(at, scored, stages, finder) for at in range(rank, upto)]
            clock.mark("attend")
            found.add(items, asserted, partial(_elsewhere, scored=scored, finder=finder, floors=floors))
            clock.mark("assert")
            rank = upto
        if scorer is not None:
            lift_shadows(found, partial(self._without, note=note, stages=stages, words=words, scorer=scorer))
        make = partial(self._absent_item, note=note, options=options)
        found.offer(self.catalog.name, asserted, make)
        clock.mark("assert")
        if scorer is not None and scorer.calibration.combine and self.catalog.name == CODE_SET:
            rules = partial(follow_conventions, floor=floors.codes, make=make, score_of=scorer.score_of)
            rules(found, note.segmented, asserted, options.patient)
        cautions = language_cautions(note.segmented.note)
        if cautions:
            found.demoted.update(item.code for item in found.kept)  # what was not understood claims nothing
        codes, candidates = split(found.kept[: options.top_k], floors, demoted=found.demoted)
        suppressed = told(found.suppressed, floors)[: options.top_k]
        case = Case(
            self._rules, codes, candidates, note.segmented, options.patient, inpatient=options.encounter == "inpatient"
        )
        coding = Coding(codes, candidates, suppressed, warnings=cautions)
        checked = edited(coding, case, lambda names: self._similarity(note, names))
        clock.mark("decide")
        answer = as_sent(in_phrases(checked, note.segmented.note), note.segmented.note)
        stopped = STAGE_OF[stages.stopped] if stages.margins else None
        return replace(answer, timings_ms=clock.milliseconds, stopped_after=stopped)

    def _without(
        self, gone: AbstractSet[str], note: EncodedNote, stages: Cascaded, words: WordReader, scorer: Scorer
    ) -> dict[str, tuple[float, float]]:
        """Score and probability of each shortlisted code as if the codes `gone` had not been found."""
        names, hits = self.catalog.code_names, stages.rescore768
        rows = [row for row, position in enumerate(hits.positions.tolist()) if names[position] not in gone]
        fewer = replace(stages, rescore768=hits.take(np.array(rows, dtype=np.int64)))
        scored = self._score(note, fewer, words, scorer)
        probabilities = () if scored.probabilities is None else scored.probabilities.tolist()
        found = zip(scored.hits.positions.tolist(), scored.hits.scores.tolist(), probabilities, strict=True)
        return {names[position]: (round(score, 4), round(probability, 4)) for position, score, probability in found}

    def _similarity(self, note: EncodedNote, names: Sequence[str]) -> list[float]:
        """Cosines of codes at full width, as those of the last search stage."""
        positions = np.array([self.catalog.position(name) for name in names], dtype=np.int64)
        scores: list[float] = self._index.rescore(note.vectors, positions, note.vectors.shape[1]).scores.tolist()
        return scores

    def _absent_item(self, code: str, note: EncodedNote, options: CodingOptions) -> CodedItem | None:
        """A code that no clause named, without evidence or score; None where it may not be answered."""
        position, allowed = self.catalog.position(code), self._reach(options).allowed
        if position is None or (allowed is not None and not allowed[position]):
            return None
        entry, at = self.catalog.entry(position), np.array([position], dtype=np.int64)
        widths = (SEARCH, MIDDLE, FULL)
        cosines = {str(d): rescored(self._index, note, at, d).scores[0] for d in widths}
        return CodedItem(
            code=entry.code,
            display=entry.title,
            system=self.catalog.system,
            edition=self.catalog.edition,
            rank=0,
            score=0.0,
            probability=0.0,
            billable=entry.billable,
            evidence=(),
            stage_scores={name: round(float(cosine), 4) for name, cosine in cosines.items()},
        )

    def _item(self, rank: int, scored: Scored, stages: Cascaded, finder: EvidenceFinder) -> CodedItem:
        hits, probabilities = scored.hits, scored.probabilities
        position = int(hits.positions[rank])
        entry = self.catalog.entry(position)
        return CodedItem(
            code=entry.code,
            display=entry.title,
            system=self.catalog.system,
            edition=self.catalog.edition,
            rank=rank + 1,
            score=round(float(hits.scores[rank]), 4),
            probability=None if probabilities is None else round(float(probabilities[rank]), 4),
            billable=entry.billable,
            evidence=finder.find(scored.forms[rank], int(hits.spans[rank])),
            stage_scores={name: round(score, 4) for name, score in stages.scores(position).items()},
            alternatives=self._alternatives(stages.siblings[position]),
        )

    def _alternatives(self, siblings: CodeHits) -> tuple[Alternative, ...]:
        named = zip(siblings.positions[:ALTERNATIVES].tolist(), siblings.scores.tolist(), strict=False)
        return tuple(Alternative(self.catalog.code_names[p], self.catalog.title(p), round(s, 4)) for p, s in named)


def _elsewhere(item: CodedItem, scored: Scored, finder: EvidenceFinder, floors: Floors) -> tuple[Evidence, ...]:
    """More evidence of an item of the ranking, when it is worth showing."""
    at = item.rank - 1
    return (
        finder.elsewhere(scored.forms[at], int(scored.hits.spans[at]), item.evidence) if shown([item], floors) else ()
    )
