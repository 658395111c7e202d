"""Notes as the label attention sees them, encoded and searched once and kept in a folder: training then takes seconds.

The folder has one part per model, index, width and split, so another encoder or index makes its own. It holds what
training notes say (tokens in order): keep it where the notes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.evaluation.corpora import CodedNote
from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from app.pipeline.attention import note_tokens
from app.pipeline.cascade import FULL, SEARCH, best_members
from app.pipeline.crowding import crowded
from app.pipeline.encoding import EncodedNote, encode
from app.pipeline.families import Families
from app.pipeline.note import Note
from app.pipeline.segment import segment
from app.pipeline.words import WordReader
from index_builder.codesets.protocol import FormSource
from index_builder.index import CodeHits, CodeIndex
from model.encoder import Encoder, Integers
from model.nested import Floats, prefix
from model.training.planting.notes import LabelPool, TrainingNote

CANDIDATES = 200  # codes that search64 hands on; all of them are ranked here, none is cut
POOL = 2000  # codes that random negatives are drawn from


class NoteCache:
    """The cached notes of one encoder and index. width: nested prefix of tokens and codes that is kept."""

    def __init__(self, folder: Path, encoder: Encoder, index: CodeIndex, width: int) -> None:
        version = f"{encoder.info.version[:12]}-{index.manifest.content_hash()[:12]}-{width}"
        self._folder = folder / version
        self._encoder, self._index, self._width = encoder, index, width
        self._families = Families(index.catalog.code_names)

    def notes(self, split: str, coded: Sequence[CodedNote], progress: Progress) -> list[TrainingNote]:
        """The notes of a split in their order; those that are not cached yet are encoded and searched first."""
        folder = self._folder / split
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for done, note in enumerate(coded, start=1):
            path = folder / f"{note.id}.npz"
            if not path.exists():
                self._note(note).save(path)
            found.append(TrainingNote.load(path))
            progress(f"reading {split} notes", done, len(coded))
        return found

    def clauses(self, note: Note) -> list[str]:
        """The texts whose tokens, laid end to end, are the note's: for training that encodes them itself.

        Raises EvaluationError for an encoder that reads windows: a note's tokens are not those of its clauses then.
        """
        if self._encoder.info.encoding_unit != "clause":
            raise EvaluationError("training encoder layers needs an encoder whose encoding unit is the clause")
        encoded = encode(self._encoder, [segment(note)])[0]
        return [encoded.segmented.text_of(uses[0]) for uses in encoded.uses]

    def pool(self, seed: int = 0) -> LabelPool:
        """Some codes of the code set by their titles, for random negatives."""
        path = self._folder / "pool.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            catalog = self._index.catalog
            chosen = np.random.default_rng(seed).permutation(catalog.code_count)[:POOL]
            self.labels([catalog.code_names[position] for position in chosen.tolist()]).save(path)
        return LabelPool.load(path)

    def labels(self, codes: Sequence[str]) -> LabelPool:
        """Codes by the vectors of their titles; codes that the edition does not have are left out."""
        catalog = self._index.catalog
        placed = [(code, place) for code in codes if (place := catalog.position(code)) is not None]
        rows = np.array([self._title_row(place) for _, place in placed], dtype=np.int64)
        vectors = prefix(self._index.vectors(rows), self._width)
        return LabelPool(tuple(code for code, _ in placed), vectors.astype(np.float16))

    def _title_row(self, position: int) -> int:
        catalog = self._index.catalog
        first, last = int(catalog.offsets[position]), int(catalog.offsets[position + 1])
        sources = [form.source for form in catalog.forms(first, last)]
        return first + (sources.index(FormSource.TITLE) if FormSource.TITLE in sources else 0)

    def _note(self, coded: CodedNote) -> TrainingNote:
        note = encode(self._encoder, [segment(coded.note)])[0]
        tokens = note_tokens(note, WordReader(self._encoder, note))
        linked = self._link(note)
        missed = self._missed(note, coded.gold, linked)
        return TrainingNote(
            id=coded.id,
            tokens=prefix(tokens.vectors, self._width).astype(np.float16),
            words=tokens.words,
            codes=tuple(self._names(linked)) + tuple(self._names(missed)),
            vectors=self._vectors(np.concatenate([linked.forms, missed.forms])).astype(np.float16),
            candidates=len(linked),
            scores=linked.scores,
            gold=coded.gold,
        )

    def _link(self, note: EncodedNote) -> CodeHits:
        """The candidates of search64, each family by its best code, scored as without a calibration: by the nearest
        run of words of the best clause, less the crowding (docs/decisions/0009)."""
        found = self._index.search(prefix(note.vectors, SEARCH), CANDIDATES, self._families.representatives(None))
        hits = best_members(self._index, self._families, note, found, None)[0]
        reader, forms = WordReader(self._encoder, note), self._index.vectors(hits.forms)
        runs = reader.nearest_to_each(forms, hits.spans.tolist())
        return crowded(replace(hits, scores=np.array([run.cosine for run in runs], dtype=np.float32)))

    def _missed(self, note: EncodedNote, gold: frozenset[str], found: CodeHits) -> CodeHits:
        """Gold codes that the search did not find, with their best wordings for this note."""
        named = self._index.catalog.position
        known = {place for code in gold if (place := named(code)) is not None}
        lost = np.array(sorted(known - set(found.positions.tolist())), dtype=np.int64)
        if not len(note.vectors):
            return found.take(np.zeros(0, dtype=np.int64))
        return self._index.rescore(prefix(note.vectors, FULL), lost, FULL)

    def _names(self, hits: CodeHits) -> Iterator[str]:
        return (self._index.catalog.code_names[place] for place in hits.positions.tolist())

    def _vectors(self, forms: Integers) -> Floats:
        return prefix(self._index.vectors(forms), self._width)
