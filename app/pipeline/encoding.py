"""The encode stage: one query vector per clause.

The encoding unit is the encoder's. "clause": every distinct clause wording is encoded alone, once (the small default;
docs/decisions/0002). "window": each document goes through the encoder in windows over its whole context, and a clause
is the mean of its tokens' states in there (encoders with a long context).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.pipeline.spans import Clause, Segmented
from model.encoder import Encoder, Integers, TokenStates
from model.nested import Floats, normalise


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where the tokens of one query stand in the states: rows [start, end); `base` is taken off their offsets."""

    start: int
    end: int
    base: int


@dataclass(frozen=True, slots=True)
class EncodedNote:
    """A note's clauses as query vectors.

    vectors: (S, 768) unit rows; clauses without tokens are left out
    uses:    for each row the clauses of the note that it stands for, in the order of the text
    places:  for each row where its tokens stand in `states`
    """

    segmented: Segmented
    vectors: Floats
    uses: tuple[tuple[Clause, ...], ...]
    places: tuple[Tokens, ...]
    states: TokenStates

    def tokens(self, query: int) -> tuple[Floats, Integers]:
        """Token states (t, R) and offsets (t, 2), in code points of the clause, of one query."""
        place = self.places[query]
        return self.states.states[place.start : place.end], self.offsets(query)

    def offsets(self, query: int) -> Integers:
        """Offsets (t, 2) alone: states that are on a device stay there."""
        place = self.places[query]
        return self.states.offsets[place.start : place.end] - place.base


def encode(encoder: Encoder, notes: Sequence[Segmented], unit: str | None = None) -> list[EncodedNote]:
    """Encode several notes in one go. unit overrides the encoder's own, for comparisons."""
    by_window = (unit or encoder.info.encoding_unit) == "window"
    return _encode_windows(encoder, notes) if by_window else _encode_clauses(encoder, notes)


def _encode_clauses(encoder: Encoder, notes: Sequence[Segmented]) -> list[EncodedNote]:
    wordings = [_wordings(note) for note in notes]
    distinct = list(dict.fromkeys(text for note in wordings for text in note))
    states = encoder.encode(distinct)
    spans = zip(states.rows[:-1].tolist(), states.rows[1:].tolist(), strict=True)
    place = {text: Tokens(start, end, 0) for text, (start, end) in zip(distinct, spans, strict=True)}
    return [
        _note(encoder, note, [(place[text], tuple(uses[text])) for text in uses], states)
        for note, uses in zip(notes, wordings, strict=True)
    ]


def _wordings(note: Segmented) -> dict[str, list[Clause]]:
    uses: dict[str, list[Clause]] = {}
    for clause in note.clauses:
        uses.setdefault(note.text_of(clause), []).append(clause)
    return uses


def _encode_windows(encoder: Encoder, notes: Sequence[Segmented]) -> list[EncodedNote]:
    states = encoder.encode([document.text for note in notes for document in note.note.documents])
    encoded, first = [], 0
    for note in notes:
        rows = states.rows[first : first + len(note.note.documents) + 1]
        queries = [(_inside(states.offsets, rows, clause), (clause,)) for clause in note.clauses]
        encoded.append(_note(encoder, note, queries, states))
        first += len(note.note.documents)
    return encoded


def _inside(offsets: Integers, rows: Integers, clause: Clause) -> Tokens:
    """The tokens of the clause's document that begin inside the clause."""
    begin, end = int(rows[clause.document]), int(rows[clause.document + 1])
    first, last = np.searchsorted(offsets[begin:end, 0], (clause.start, clause.end)).tolist()
    return Tokens(begin + first, begin + last, clause.start)


def _note(
    encoder: Encoder, note: Segmented, queries: Sequence[tuple[Tokens, tuple[Clause, ...]]], states: TokenStates
) -> EncodedNote:
    kept = [(place, uses) for place, uses in queries if place.end > place.start]
    spans = np.array([(place.start, place.end) for place, _ in kept], dtype=np.int64).reshape(-1, 2)
    # Projected note by note: the same note gives the same bits whatever else is encoded with it.
    vectors = normalise(encoder.project(states.means(spans)))
    return EncodedNote(note, vectors, tuple(uses for _, uses in kept), tuple(place for place, _ in kept), states)
