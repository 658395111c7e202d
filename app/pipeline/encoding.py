"""The encode stage: every distinct clause of the notes at hand is encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.pipeline.spans import Clause, Segmented
from model.encoder import Encoder, Integers, TokenStates
from model.nested import Floats, normalise


@dataclass(frozen=True, slots=True)
class EncodedNote:
    """A note's distinct clause wordings as query vectors.

    vectors: (S, 768) unit rows, one per distinct wording; zero-token wordings are left out
    uses:    for each row the clauses of the note that have this wording, in the order of the text
    rows:    (S,) where each row's token states stand in `states`
    """

    segmented: Segmented
    vectors: Floats
    uses: tuple[tuple[Clause, ...], ...]
    rows: tuple[int, ...]
    states: TokenStates

    def tokens(self, query: int) -> tuple[Floats, Integers]:
        """Token states (t, R) and offsets (t, 2), in code points of the clause, of one query."""
        return self.states.of(self.rows[query])


def encode(encoder: Encoder, notes: Sequence[Segmented]) -> list[EncodedNote]:
    """Encode the clauses of several notes in one go."""
    wordings = [_wordings(note) for note in notes]
    distinct = list(dict.fromkeys(text for note in wordings for text in note))
    states = encoder.encode(distinct)
    pooled = states.pool()
    filled = states.counts() > 0
    place = {text: i for i, text in enumerate(distinct) if filled[i]}
    return [_note(encoder, note, uses, place, pooled, states) for note, uses in zip(notes, wordings, strict=True)]


def _wordings(note: Segmented) -> dict[str, list[Clause]]:
    uses: dict[str, list[Clause]] = {}
    for clause in note.clauses:
        uses.setdefault(note.text_of(clause), []).append(clause)
    return uses


def _note(
    encoder: Encoder,
    note: Segmented,
    uses: dict[str, list[Clause]],
    place: dict[str, int],
    pooled: Floats,
    states: TokenStates,
) -> EncodedNote:
    kept = [text for text in uses if text in place]
    rows = tuple(place[text] for text in kept)
    # Projected note by note: the same note gives the same bits whatever else is encoded with it.
    vectors = normalise(encoder.project(pooled[list(rows)]))
    return EncodedNote(note, vectors, tuple(tuple(uses[text]) for text in kept), rows, states)
