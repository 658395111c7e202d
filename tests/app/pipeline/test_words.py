"""The run of words that is nearest to a wording."""

from __future__ import annotations

import pytest

from app.pipeline.encoding import encode
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from app.pipeline.words import WordReader
from model.encoder import embed
from tests.index_builder.fakes import FakeEncoder


def _nearest(clause: str, wording: str) -> tuple[str, float]:
    encoder = FakeEncoder()
    note = encode(encoder, [segment(Note((Document(clause),)))])[0]
    assert [note.segmented.text_of(uses[0]) for uses in note.uses] == [clause]
    run = WordReader(encoder, note).nearest(embed(encoder, [wording])[0], 0)
    return clause[run.start : run.end], run.cosine


def test_the_words_score_as_if_they_stood_alone() -> None:
    words, cosine = _nearest("felt sudden low back pain yesterday", "low back pain")
    assert words == "low back pain"
    assert cosine == pytest.approx(1.0, abs=1e-5)


def test_punctuation_around_words_is_left_out() -> None:
    assert _nearest('sudden "migraine" headaches', "migraine")[0] == "migraine"


def test_a_run_of_words_that_name_no_finding_is_passed_over() -> None:
    """The bare word is the nearest, but supports nothing without the one that tells."""
    assert _nearest("voice is hoarse", "voice")[0] == "voice is hoarse"
