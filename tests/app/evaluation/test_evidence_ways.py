"""Ways to find evidence, held against marked words: what each finds, and that sums are the scores they explain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.evaluation.errors import EvaluationError
from app.evaluation.evidence_marks import MarkedNote, marked_notes
from app.evaluation.evidence_measure import Tally, found_in, measure_evidence
from app.evaluation.evidence_ways import WAYS, Asked, asked, by_word
from app.evaluation.quality_report import add_section
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.words import cut_words
from index_builder.build import build
from index_builder.loader import load
from model.attention.label_attention import LabelAttention
from tests.app.training.corpus import ENGLISH, NOTES, write_corpus
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder
from tests.model.attention.weights import SMALL, random_weights

ANY = CodingOptions(assertion="annotate", billable_only=False)
TEXT = "Seen for the typhoid fever since May. Later shingles with zoster without complication, low back pain."


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> CodingPipeline:
    artifacts, encoder = tmp_path_factory.mktemp("artifacts"), FakeEncoder()
    build(FakeCodeSet(), encoder, artifacts, builder_version="test")
    return CodingPipeline(encoder, load(artifacts, "fake", encoder))


@pytest.fixture(scope="module")
def attention() -> LabelAttention:
    return LabelAttention(random_weights(replace(SMALL, encoder="fake-1")))


def _marked(pipeline: CodingPipeline, **marks: str) -> MarkedNote:
    placed: dict[int, frozenset[tuple[int, int]]] = {}
    for code, words in marks.items():
        position, start = pipeline.catalog.position(code), TEXT.index(words)
        assert position is not None
        placed[position] = frozenset({(start, start + len(words))})
    return MarkedNote("n", Note((Document(TEXT),)), placed)


@pytest.fixture(scope="module")
def one(pipeline: CodingPipeline, attention: LabelAttention) -> Asked:
    """The first code of the shortlist."""
    examined = pipeline.examined(Note((Document(TEXT),)), ANY)
    name = pipeline.catalog.code_names[int(examined.scored.hits.positions[0])]
    return asked(examined, [0], [name], attention)[0]


def test_word_contributions_sum_to_the_score_and_to_the_logit(
    pipeline: CodingPipeline, attention: LabelAttention, one: Asked
) -> None:
    examined, note = one.examined, one.examined.note
    for query in range(len(note.vectors)):
        added = examined.words.contributions(one.form, query)
        assert added.sum() == pytest.approx(float(note.vectors[query] @ one.form), abs=1e-5)
        text = note.segmented.text_of(note.uses[query][0])
        spans = cut_words(text)
        assert by_word(spans, note.tokens(query)[1], added).sum() == pytest.approx(float(added.sum()), abs=1e-5)
    assert one.tokens is not None and one.added is not None
    name = pipeline.catalog.code_names[int(examined.scored.hits.positions[0])]
    ids = attention.token_ids(one.tokens.words)
    found = attention.logits(one.tokens.vectors, ids, one.form[None], [name])
    assert float(one.added.sum() + found.constants[0]) == pytest.approx(float(found.logits[0]), abs=1e-4)


@pytest.mark.parametrize("name", list(WAYS))
def test_every_way_gives_spans_that_do_not_overlap(name: str, one: Asked) -> None:
    found = WAYS[name](one)
    assert found and found == sorted(found, key=lambda span: -span[2])
    for start, end, _ in found:
        assert 0 <= start < end <= len(TEXT) and TEXT[start:end].strip() == TEXT[start:end]
    places = sorted(span[:2] for span in found)
    assert all(before[1] <= after[0] for before, after in zip(places, places[1:], strict=False))


def test_the_way_of_answers_gives_what_answers_show(pipeline: CodingPipeline) -> None:
    note = _marked(pipeline, A01="typhoid fever", B02="shingles")
    by_way, seconds = found_in(pipeline, note, ANY, None, {"phrases": WAYS["phrases"]})
    found = by_way["phrases"]
    assert seconds["phrases"] > 0
    final = pipeline.trace(note.note, ANY).final
    answered = {item.code: item for item in (*final.codes, *final.candidates)}
    assert len(found) == 2
    for position, spans in found.items():
        item = answered[pipeline.catalog.code_names[position]]
        assert [(e.start, e.end) for e in item.evidence] == spans


def test_the_attention_is_needed_for_its_way(one: Asked) -> None:
    with pytest.raises(ValueError, match="no label attention"):
        WAYS["attention"](Asked(one.examined, one.row, None, None))


def test_figures_count_spans_marks_and_words() -> None:
    tally = Tally()
    text = "acute gout of knee"
    tally.add(text, {7: [(6, 10)], 8: [(0, 5), (14, 18)]}, {7: frozenset({(6, 10)}), 8: frozenset({(0, 10)})})
    figures = tally.figures()
    assert figures["first span meets a mark"] == 1.0 and figures["first span is a mark"] == 0.5
    assert figures["spans a code"] == 1.5 and figures["words a span"] == 1.0 and figures["without"] == 0.0
    precision, recall = 2 / 3, 1.0
    assert figures["partial F1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert figures["span F1"] == pytest.approx(2 * 1 / (3 + 2))
    assert figures["token F1"] == pytest.approx(2 * 2 / (3 + 3))


def test_marks_are_read_from_corpora_that_have_them(pipeline: CodingPipeline, tmp_path: Path) -> None:
    notes = marked_notes("codiesp", write_corpus(tmp_path / "codiesp"), "train", pipeline.catalog)
    assert len(notes) == NOTES
    for note in notes:
        for position, spans in note.marks.items():
            for start, end in spans:
                word = {"G43": "migraine", "D50": "iron"}[pipeline.catalog.code_names[position]]
                assert word in ENGLISH[start:end]
    (tmp_path / "aside-a.txt").write_text("=== aside-a-01 | clinic\nHas [[typhoid|A01]], [[gout|X99]].\n")
    (note,) = marked_notes("practice", tmp_path, "aside", pipeline.catalog)
    assert [pipeline.catalog.code_names[position] for position in note.marks] == ["A01"]
    with pytest.raises(EvaluationError, match="us-notes has no marked words"):
        marked_notes("us-notes", tmp_path, "all", pipeline.catalog)


def test_the_comparison_is_a_section_of_the_quality_report(
    pipeline: CodingPipeline, attention: LabelAttention, tmp_path: Path
) -> None:
    notes = [_marked(pipeline, A01="typhoid fever"), _marked(pipeline, M54="low back pain")]
    found = measure_evidence(pipeline, notes, ANY, attention, lambda *_: None)
    assert found["notes"] == found["marked codes"] == found["shortlisted"] == 2
    assert set(found["ways"]) == set(WAYS) and {row["way"] for row in found["tests"]} == set(WAYS) - {"phrases"}
    assert found["ways"]["phrases"]["token F1"] == pytest.approx(1.0)
    assert set(measure_evidence(pipeline, notes, ANY, None, lambda *_: None)["ways"]) == set(WAYS) - {"attention"}
    parameters: dict[str, Any] = {"corpus": "practice", "split": "aside", "evidence": True}
    add_section({"parameters": parameters, "evidence_ways": found}, ["evaluate", "--evidence"], tmp_path / "q.md")
    text = (tmp_path / "q.md").read_text(encoding="utf-8")
    assert "## practice, aside, evidence" in text and "| phrases |" in text.replace("phrases | ", "phrases |", 1)
    assert np.isfinite([value for figures in found["ways"].values() for value in figures.values()]).all()
