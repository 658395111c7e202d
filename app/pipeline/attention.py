"""The planted label attention on a note's shortlist: one logit for each code, from every token of the note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.pipeline.encoding import EncodedNote
from app.pipeline.words import WordReader
from model.attention.label_attention import LabelAttention
from model.attention.vocabulary import token_words
from model.encoder import Integers, StatesOnDevice
from model.nested import Floats


@dataclass(frozen=True, slots=True)
class NoteTokens:
    """The tokens of a note's clauses, each once: vectors (T, d), not normalised, and the stems of their words.

    vectors: on the device where the encoder keeps the states, if they were asked for there
    queries: (T,) the first query (row of EncodedNote.vectors) that a token stands in
    offsets: (T, 2) half-open, in code points of that query's clause
    """

    vectors: Floats | Any
    words: tuple[str, ...]
    queries: Integers
    offsets: Integers


def note_tokens(note: EncodedNote, reader: WordReader, *, on_device: bool = False) -> NoteTokens:
    """The tokens in the order of the queries. Clauses of one window share tokens: these are taken once.

    on_device: leave the vectors there, if that is where the states are.
    """
    seen: set[int] = set()
    rows: list[int] = []
    words: list[str] = []
    queries: list[int] = []
    offsets: list[Integers] = []
    for query, place in enumerate(note.places):
        inside = note.offsets(query)
        named = token_words(note.segmented.text_of(note.uses[query][0]), inside)
        new = [row - place.start for row in range(place.start, place.end) if row not in seen]
        seen.update(range(place.start, place.end))
        rows += [place.start + at for at in new]
        offsets.append(inside[new])
        words += [named[at] for at in new]
        queries += [query] * len(new)
    return NoteTokens(
        _vectors(note, reader, np.asarray(rows, dtype=np.int64), on_device=on_device),
        tuple(words),
        np.asarray(queries, dtype=np.int64),
        np.concatenate(offsets) if offsets else np.zeros((0, 2), dtype=np.int64),
    )


def _vectors(note: EncodedNote, reader: WordReader, rows: Integers, *, on_device: bool) -> Floats | Any:
    """Of tokens by their rows of the states, in the order of the queries and each once."""
    if on_device and isinstance(note.states, StatesOnDevice):
        return note.states.projected(rows, note.vectors.shape[1])
    if not len(rows):
        return np.zeros((0, note.vectors.shape[1]), dtype=np.float32)
    laid = np.concatenate([np.arange(place.start, place.end) for place in note.places])
    _, first = np.unique(laid, return_index=True)  # shared tokens are taken from the query that has them first
    return np.concatenate(reader.projected())[np.sort(first)]


def attention_logits(
    attention: LabelAttention, note: EncodedNote, reader: WordReader, forms: Floats, names: Sequence[str]
) -> Floats:
    """(k,) float32: what the attention says of each code, by its best wording (k, >= D) and its name.

    A code that the attention never saw asks with its wording alone.
    """
    if not len(names):
        return np.zeros(0, dtype=np.float32)
    tokens = note_tokens(note, reader, on_device=attention.on_device)
    return attention.logits(tokens.vectors, attention.token_ids(tokens.words), forms, names).logits
