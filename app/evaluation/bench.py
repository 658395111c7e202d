"""Times the service's own pipeline note by note, and the cascade against exact search over the same spans.

Everything that is compared takes turns within each repeat, so that a busy machine slows all of it alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from app.evaluation.contenders import Search, contenders, family_heads
from app.evaluation.errors import EvaluationError
from app.evaluation.run import Progress
from app.pipeline.encoding import EncodedNote, encode
from app.pipeline.families import Families
from app.pipeline.note import CodingOptions, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment
from model.encoder import Encoder, ModelInfo, TokenStates
from model.nested import Floats
from model.prefix_encoder import cut

Milliseconds = npt.NDArray[np.float64]  # (notes, repeats)


@dataclass(frozen=True, slots=True)
class Measured:
    """Raw times of N notes, each measured R times; arrays are (N, R) milliseconds.

    tokens, spans: of each note, (N,)
    stages:        what the pipeline says of its stages
    whole:         wall time of a note through the pipeline
    encoder:       wall time of the encoder alone, with the texts that the pipeline gave it
    searches:      wall time of each search over the note's query vectors
    found:         what each search answers, families by their first code, one ranking per note
    skipped:       notes without a word to encode, left out
    """

    tokens: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]
    stages: dict[str, Milliseconds]
    whole: Milliseconds
    encoder: Milliseconds
    searches: dict[str, Milliseconds]
    found: dict[str, list[list[int]]]
    skipped: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """One note, its query vectors, and the texts that were encoded for them."""

    note: Note
    encoded: EncodedNote
    texts: list[str]


@dataclass(slots=True)
class Listener:
    """An encoder that remembers what it was given."""

    encoder: Encoder
    texts: list[str] = field(default_factory=list)

    @property
    def info(self) -> ModelInfo:
        """What the encoder is."""
        return self.encoder.info

    def encode(self, texts: Sequence[str]) -> TokenStates:
        """Remember and encode."""
        self.texts += texts
        return self.encoder.encode(texts)

    def project(self, states: Floats) -> Floats:
        """As the encoder does."""
        return self.encoder.project(states)


def measure(
    pipeline: CodingPipeline, encoder: Encoder, notes: Sequence[Note], repeats: int, progress: Progress
) -> Measured:
    """Time the notes one at a time, after one round that is not timed.

    `encoder` is the pipeline's. Raises EvaluationError when no note has a word to encode.
    """
    encoder = cut(encoder, pipeline.index.manifest.dimensions)
    prepared = [one for note in notes if len((one := prepare(encoder, note)).encoded.vectors)]
    if not prepared:
        raise EvaluationError("there is no note with a word in it")
    options = CodingOptions()
    families = Families(pipeline.catalog.code_names)
    searches = contenders(pipeline.index, families, pipeline.catalog.billable)
    found = {
        name: [family_heads(families, search(one.encoded)) for one in prepared] for name, search in searches.items()
    }
    pipeline.code([one.note for one in prepared], [options] * len(prepared))
    taken = _Taken(len(prepared), repeats)
    for repeat in range(repeats):
        for number, one in enumerate(prepared):
            _time_note(taken, (number, repeat), one, pipeline, encoder, options)
            _time_searches(taken, (number, repeat), one, searches)
            progress("measuring", repeat * len(prepared) + number + 1, repeats * len(prepared))
    return Measured(
        tokens=np.array([len(one.encoded.states.states) for one in prepared]),
        spans=np.array([len(one.encoded.vectors) for one in prepared]),
        stages=taken.stages,
        whole=taken.whole,
        encoder=taken.encoder,
        searches=taken.searches,
        found=found,
        skipped=len(notes) - len(prepared),
    )


def prepare(encoder: Encoder, note: Note) -> Prepared:
    """Segment and encode a note as the pipeline does."""
    listener = Listener(encoder)
    [encoded] = encode(listener, [segment(note)])
    return Prepared(note, encoded, listener.texts)


class _Taken:
    """Times as they come in; a stage that a note did not go through took no time."""

    def __init__(self, notes: int, repeats: int) -> None:
        self._shape = (notes, repeats)
        self.whole, self.encoder = np.zeros(self._shape), np.zeros(self._shape)
        self.stages: dict[str, Milliseconds] = {}
        self.searches: dict[str, Milliseconds] = {}

    def add(self, group: dict[str, Milliseconds], name: str, place: tuple[int, int], milliseconds: float) -> None:
        """One time of one stage or search."""
        group.setdefault(name, np.zeros(self._shape))[place] = milliseconds


def _time_note(
    taken: _Taken,
    place: tuple[int, int],
    one: Prepared,
    pipeline: CodingPipeline,
    encoder: Encoder,
    options: CodingOptions,
) -> None:
    started = time.perf_counter()
    [coding] = pipeline.code([one.note], [options])
    taken.whole[place] = 1000 * (time.perf_counter() - started)
    for stage, milliseconds in coding.timings_ms.items():
        taken.add(taken.stages, stage, place, milliseconds)
    taken.encoder[place] = _milliseconds(partial(encoder.encode, one.texts))


def _time_searches(taken: _Taken, place: tuple[int, int], one: Prepared, searches: dict[str, Search]) -> None:
    names = list(searches)
    first = sum(place) % len(names)  # none of them always follows the same one
    for name in names[first:] + names[:first]:
        taken.add(taken.searches, name, place, _milliseconds(partial(searches[name], one.encoded)))


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
