"""Marked mentions and uncoded notes as clauses: right words, right form, own mistakes, contexts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.pipeline.note import Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.segment import segment
from app.training.clauses import MISTAKES, coded_clauses, literal_clauses
from app.training.forms import LiveForms
from app.training.mentions import distinct_queries, lined_clauses, marked_clauses, practised_clauses
from app.training.nearest import nearest_codes
from app.training.passages import passage_of
from index_builder.marks import unmarked
from index_builder.tables.lines import MarkedLine
from model.training.text import Inside
from tests.app.training.corpus import ENGLISH
from tests.index_builder.fakes import FakeEncoder


def test_every_third_note_is_kept_aside(codiesp: Path, pipeline: CodingPipeline) -> None:
    """Equal mentions of equal notes are one: what is left out shows in the notes' own words."""
    file = codiesp / "train" / "text_files_en" / "n2.txt"
    before = file.read_text()
    try:
        file.write_text(before.replace("migraine with aura", "severe migraine with aura"))
        assert not any("severe" in one.clause for one in marked_clauses(codiesp, "train", pipeline.catalog))
        everything = marked_clauses(codiesp, "train", pipeline.catalog, aside=99)
        assert any("severe" in one.clause for one in everything)
    finally:
        file.write_text(before)


def test_marked_words_lose_leading_function_words_and_keep_their_place(codiesp: Path, pipeline: CodingPipeline) -> None:
    marked = {one.code: one for one in marked_clauses(codiesp, "train", pipeline.catalog)}
    migraine = marked["G43"]
    assert migraine.words.startswith("migraine") and migraine.words in migraine.clause
    assert migraine.note_codes == {"G43", "D50"}
    assert str(migraine.words_inside) == migraine.words and str(migraine.clause_inside) == migraine.clause
    assert migraine.clause_inside.context == ENGLISH
    assert distinct_queries(marked.values())[:2] == [migraine.words, migraine.clause]


def test_coded_clauses_have_the_nearest_form_and_no_mistake_that_was_given(
    codiesp: Path, pipeline: CodingPipeline, encoder: FakeEncoder
) -> None:
    marked = marked_clauses(codiesp, "train", pipeline.catalog)
    clauses = coded_clauses(marked, encoder, pipeline.index, pipeline.catalog)
    iron = next(c for c in clauses if c.code == "D50" and "ow iron" in c.text)
    assert iron.target == ("low iron",)
    for clause in clauses:
        assert 0 < len(clause.negatives) <= MISTAKES
        assert not {name for name, _ in clause.negatives} & {"G43", "D50"}
        assert clause.context is None or str(clause.context) == clause.text


def test_forms_of_the_model_so_far_are_those_of_an_index(
    tmp_path: Path, pipeline: CodingPipeline, encoder: FakeEncoder
) -> None:
    seen: list[tuple[int, int]] = []
    live = LiveForms.encode(
        encoder, pipeline.catalog, tmp_path / "work", lambda stage, done, total: seen.append((done, total))
    )
    assert not (tmp_path / "work").exists() and seen[-1][0] == seen[-1][1] > 0
    queries = ["migraine with aura", "low iron", "shingles of the foot"]
    ours, theirs = (nearest_codes(encoder, forms, queries, 9) for forms in (live, pipeline.index))
    for one, other in zip(ours, theirs, strict=True):
        assert one.positions.tolist() == other.positions.tolist()
        assert one.forms.tolist() == other.forms.tolist()
        assert one.scores == pytest.approx(other.scores, abs=1e-3)


def test_nearest_codes_are_what_comparing_with_every_form_gives(pipeline: CodingPipeline, encoder: FakeEncoder) -> None:
    import numpy as np

    from model.encoder import embed

    index = pipeline.index
    query = "typhoid fever and anemia"
    rows = np.arange(pipeline.catalog.form_count)
    scores = index.vectors(rows) @ embed(encoder, [query])[0]
    best: dict[int, float] = {}
    for row, score in zip(index.owners(rows).tolist(), scores.tolist(), strict=True):
        best[row] = max(best.get(row, -1.0), score)
    expected = sorted(best.values(), reverse=True)[:5]
    found = nearest_codes(encoder, index, [query], 5)[0]
    assert found.scores.tolist() == pytest.approx(expected, abs=1e-6)
    assert len(set(found.positions.tolist())) == 5


def test_a_note_that_names_a_code_gives_its_longer_clauses_only(pipeline: CodingPipeline) -> None:
    note = Note((Document("She surely does suffer from shingles today. Migraine with aura."),))
    found = literal_clauses([note], pipeline, least=0.9, longer=2)
    assert {(c.code, c.target) for c in found} == {("B02", ("shingles",))}
    assert all("suffer" in c.text and c.context is not None and str(c.context) == c.text for c in found)


def test_words_that_stand_in_no_clause_are_passed_over(
    pipeline: CodingPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence of the reading, where the clauses are those of the note as it is."""
    note = Note((Document("She surely does suffer from shingles today."),))
    cut = segment(note)
    monkeypatch.setattr("app.training.clauses.segment", lambda _: replace(cut, clauses=()))
    assert literal_clauses([note], pipeline, least=0.9, longer=2) == []


def test_marked_lines_are_notes_of_their_own(pipeline: CodingPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    line = MarkedLine(*unmarked("Seen for [[sick headaches with zigzags|G43]], long pale from [[low iron|D50]]"))
    monkeypatch.setattr("app.training.mentions.load_lines", lambda: [line, line])
    marked = {one.code: one for one in lined_clauses(pipeline.catalog)}
    assert (marked["G43"].words, marked["D50"].words) == ("sick headaches with zigzags", "low iron")
    assert marked["G43"].note_codes == {"G43", "D50"}


def test_a_passage_grows_by_whole_sentences_and_never_into_another_document() -> None:
    first = "Fever is high. Cough is dry. Asthma is mild. Pain is gone."
    cut = segment(Note((Document(first), Document("Other words."))))
    asthma = next(c for c in cut.clauses if cut.text_of(c).startswith("Asthma"))
    assert passage_of(cut, asthma, 5) == Inside("Asthma is mild.", 0, asthma.end - asthma.start)
    assert passage_of(cut, asthma, 30).context == "Asthma is mild. Pain is gone."
    assert passage_of(cut, asthma, 44).context == "Cough is dry. Asthma is mild. Pain is gone."
    whole = passage_of(cut, asthma, 999)
    assert whole.context == first and str(whole) == cut.text_of(asthma)
    other = next(c for c in cut.clauses if c.document == 1)
    assert passage_of(cut, other, 999).context == "Other words."


def test_marked_words_of_practice_notes_stand_in_their_clauses(tmp_path: Path, pipeline: CodingPipeline) -> None:
    text = "=== a-{n:02d} | clinic\nSeen for [[sick headaches with zigzags|G43]], on [[iron pills|?D50]].\n"
    (tmp_path / "a.txt").write_text("".join(text.format(n=n) for n in (1, 2)), encoding="utf-8")
    marked = {one.code: one for one in practised_clauses(tmp_path, pipeline.catalog)}
    assert (marked["G43"].words, marked["D50"].words) == ("sick headaches with zigzags", "iron pills")
    assert marked["G43"].words in marked["G43"].clause
    assert marked["G43"].note_codes == {"G43", "D50"}  # what may be reported is no mistake either
