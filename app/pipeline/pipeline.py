"""The pipeline object: notes in, codings out. The service, the command line and the evaluation all use this one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.assertion.verdict import Sorted
from app.pipeline.cascade import FULL, Cascaded, best_members, cascade
from app.pipeline.coder import Versions
from app.pipeline.coding import Alternative, CodedItem, Coding
from app.pipeline.crowding import crowded
from app.pipeline.decision import shown, split
from app.pipeline.encoding import EncodedNote, encode
from app.pipeline.evidence import EvidenceFinder
from app.pipeline.families import Families
from app.pipeline.note import CodingOptions, Note, stage_widths
from app.pipeline.segment import segment
from app.pipeline.stopwatch import Stopwatch
from app.pipeline.trace import Ranking, Trace
from app.pipeline.words import WordReader, attend
from index_builder.catalog import Catalog
from index_builder.index import CodeHits, CodeIndex
from model.encoder import Encoder
from model.nested import PREFIXES, Floats, prefix

Mask = npt.NDArray[np.bool_]
ALTERNATIVES = 5


class CodingPipeline:
    """An encoder and the index that was built with it.

    encoding_unit overrides the encoder's own ("clause" or "window"), for comparisons.
    """

    def __init__(self, encoder: Encoder, index: CodeIndex, *, encoding_unit: str | None = None) -> None:
        self._encoder = encoder
        self._index = index
        self._unit = encoding_unit
        catalog = index.catalog
        self._families = Families(catalog.code_names)
        self._versions = Versions(
            model=encoder.info.version,
            index=index.manifest.content_hash(),
            code_set=f"{catalog.name} {catalog.edition}",
        )

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
        """One coding per note. Notes are encoded together and searched one by one."""
        shared = Stopwatch()
        segmented = [segment(note) for note in notes]
        shared.mark("segment")
        encoded = encode(self._encoder, segmented, self._unit)
        shared.mark("encode")
        return [self._code(note, wanted, shared.milliseconds) for note, wanted in zip(encoded, options, strict=True)]

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False, prefixes: bool = False) -> Trace:
        """One note with what every stage ranked; `exact` and `prefixes` add the exhaustive searches."""
        encoded = encode(self._encoder, [segment(note)], self._unit)[0]
        clock = Stopwatch()
        stages = self._cascade(encoded, options, clock)
        width = stage_widths(options.widths, options.top_k).candidates
        searched = {d: self._exact(encoded, options, width, d) for d in (PREFIXES if prefixes else ())}
        return Trace(
            search64=self._ranking(stages.search64),
            rescore256=self._ranking(stages.rescore256),
            rescore768=self._ranking(stages.rescore768),
            exact768=self._exact(encoded, options, width, FULL) if exact else None,
            final=self._decide(encoded, stages, options, clock),
            prefixes=searched,
        )

    def _code(self, note: EncodedNote, options: CodingOptions, shared: dict[str, float]) -> Coding:
        clock = Stopwatch()
        clock.milliseconds.update(shared)
        stages = self._cascade(note, options, clock)
        return self._decide(note, stages, options, clock)

    def _cascade(self, note: EncodedNote, options: CodingOptions, clock: Stopwatch) -> Cascaded:
        widths = stage_widths(options.widths, options.top_k)
        return cascade(self._index, self._families, note, widths, self._allowed(options), clock)

    def _exact(self, note: EncodedNote, options: CodingOptions, width: int, dimensions: int) -> Ranking:
        allowed = self._allowed(options)
        queries = prefix(note.vectors, dimensions)
        hits = self._index.search_exact(queries, width, self._families.representatives(allowed))
        if dimensions == FULL:
            hits = best_members(self._index, self._families, note, hits, allowed)[0]
        return self._ranking(crowded(hits))

    def _allowed(self, options: CodingOptions) -> Mask | None:
        mask = self.catalog.within(options.within) if options.within else None
        if options.billable_only:
            mask = self.catalog.billable if mask is None else mask & self.catalog.billable
        return mask

    def _ranking(self, hits: CodeHits) -> Ranking:
        names = self.catalog.code_names
        return Ranking(tuple(names[p] for p in hits.positions.tolist()), tuple(hits.scores.tolist()))

    def _decide(self, note: EncodedNote, stages: Cascaded, options: CodingOptions, clock: Stopwatch) -> Coding:
        asserted = AssertionReader(note.segmented)
        clock.mark("assert")
        words = WordReader(self._encoder, note)
        cosines = stages.cosines
        vectors = self._index.vectors(cosines.forms)
        wordings = dict(zip(cosines.positions.tolist(), vectors, strict=True))
        ranked = crowded(attend(words, cosines, vectors))
        finder, found = EvidenceFinder(note, words), Sorted.empty(options)
        rank = 0
        while found.wanted > 0 and rank < len(ranked):  # what is suppressed leaves room for the next
            upto = min(rank + found.wanted, len(ranked))
            items = [self._item(at, ranked, stages, finder, wordings) for at in range(rank, upto)]
            clock.mark("attend")
            found.add(items, asserted)
            clock.mark("assert")
            rank = upto
        codes, candidates = split(found.kept, demoted=found.demoted)
        suppressed = shown(found.suppressed)[: options.top_k]
        clock.mark("decide")
        return Coding(codes, candidates, suppressed, timings_ms=clock.milliseconds)

    def _item(
        self, rank: int, hits: CodeHits, stages: Cascaded, finder: EvidenceFinder, wordings: dict[int, Floats]
    ) -> CodedItem:
        position = int(hits.positions[rank])
        entry = self.catalog.entry(position)
        return CodedItem(
            code=entry.code,
            display=entry.title,
            system=self.catalog.system,
            edition=self.catalog.edition,
            rank=rank + 1,
            score=round(float(hits.scores[rank]), 4),
            probability=None,
            billable=entry.billable,
            evidence=finder.find(wordings[position], int(hits.spans[rank])),
            stage_scores={name: round(score, 4) for name, score in stages.scores(position).items()},
            alternatives=self._alternatives(stages.siblings[position]),
        )

    def _alternatives(self, siblings: CodeHits) -> tuple[Alternative, ...]:
        named = zip(siblings.positions[:ALTERNATIVES].tolist(), siblings.scores.tolist(), strict=False)
        return tuple(Alternative(self.catalog.code_names[p], self.catalog.title(p), round(s, 4)) for p, s in named)
