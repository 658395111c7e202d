"""A note through all stages: ranked codes, exact evidence, nothing invented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.pipeline.coding import CodedItem, Coding
from app.pipeline.note import CodingOptions, Document, Note, Widths, stage_widths
from app.pipeline.pipeline import CodingPipeline
from tests.index_builder.fakes import FakeEncoder

ANY = CodingOptions(assertion="annotate")


def _code(pipeline: CodingPipeline, *texts: str, options: CodingOptions = ANY) -> Coding:
    return pipeline.code([Note(tuple(Document(text) for text in texts))], [options])[0]


def _all(coding: Coding) -> tuple[CodedItem, ...]:
    return coding.codes + coding.candidates + coding.suppressed


def test_a_named_finding_comes_first_with_the_words_that_name_it(pipeline: CodingPipeline) -> None:
    text = "Seen today. He has low back pain since lifting boxes."
    best = _all(_code(pipeline, text))[0]
    assert best.code == "M54" and best.rank == 1 and best.probability is None
    assert [text[e.start : e.end] for e in best.evidence] == ["low back pain"]
    assert set(best.stage_scores) == {"64", "256", "768"}


def test_a_finding_that_is_named_twice_has_two_pieces_of_evidence(pipeline: CodingPipeline) -> None:
    text = "Reason for visit: hay fever.\nAssessment: hay fever."
    best = _code(pipeline, text).codes[0]
    assert best.code == "J30"
    assert sorted(text[e.start : e.end] for e in best.evidence) == ["hay fever", "hay fever"]
    assert len({e.start for e in best.evidence}) == 2


def test_evidence_names_its_document(pipeline: CodingPipeline) -> None:
    coding = _code(pipeline, "Nothing of note.", "She has shingles.")
    shingles = next(item for item in coding.codes if item.code == "B02")
    assert {e.document for e in shingles.evidence} == {1}


def test_a_note_without_findings_gets_empty_lists(pipeline: CodingPipeline) -> None:
    for text in ("Thank you.", "123 / 456", "...", "The patient was seen."):
        assert _all(_code(pipeline, text)) == ()


def test_options_narrow_what_comes_back(pipeline: CodingPipeline) -> None:
    text = "Type 2 diabetes mellitus, lumbago, fracture of foot."
    everything = {i.code for i in _all(_code(pipeline, text, options=replace(ANY, billable_only=False)))}
    billable = {i.code for i in _all(_code(pipeline, text))}
    assert billable < everything
    assert {i.code[0] for i in _all(_code(pipeline, text, options=replace(ANY, within=("M",))))} == {"M"}
    assert len(_all(_code(pipeline, text, options=replace(ANY, top_k=1)))) == 1


def test_scores_fall_and_ranks_rise(pipeline: CodingPipeline) -> None:
    coding = _code(pipeline, "Atrial fibrillation with high blood pressure and low iron, bed sore.")
    listed = coding.codes + coding.candidates
    assert [i.rank for i in listed] == list(range(1, len(listed) + 1))
    assert [i.score for i in listed] == sorted((i.score for i in listed), reverse=True)


def test_each_stage_takes_from_the_one_before(pipeline: CodingPipeline) -> None:
    note = Note((Document("Migraine with aura, reflux, uti and acute appendicitis."),))
    trace = pipeline.trace(note, replace(ANY, top_k=5), exact=True, prefixes=True)
    assert set(trace.rescore256.codes) == set(trace.search64.codes)
    # a family may end with another of its codes than the one that stood for it
    assert {code[:7] for code in trace.rescore768.codes} <= {code[:7] for code in trace.rescore256.codes}
    assert trace.exact768 is not None  # two are word for word: which is first, the last bit decides
    assert set(trace.exact768.codes[:4]) == set(trace.rescore768.codes[:4])
    assert set(trace.prefixes) == {64, 128, 256, 768}


def test_an_answer_does_not_depend_on_what_shares_the_batch(pipeline: CodingPipeline) -> None:
    texts = ["Lumbago.", "Typhoid fever, fracture of hand, initial encounter.", "Iron deficiency anemia " * 30]
    notes = [Note((Document(text),)) for text in texts]
    together = pipeline.code(notes, [ANY] * 3)
    for note, shared in zip(notes, together, strict=True):
        alone = pipeline.code([note], [ANY])[0]
        assert (alone.codes, alone.candidates) == (shared.codes, shared.candidates)


def test_clauses_pooled_from_windows_keep_exact_evidence(pipeline: CodingPipeline) -> None:
    """The stand-in encoder has no context, so both units must find the same words."""
    by_window = CodingPipeline(FakeEncoder(), pipeline.index, encoding_unit="window")
    text = "Known type 2 diabetes mellitus.\nToday: shingles, and low back pain."
    one, other = (_all(p.code([Note((Document(text),))], [ANY])[0]) for p in (pipeline, by_window))
    assert [(i.code, [(e.start, e.end) for e in i.evidence]) for i in one] == [
        (i.code, [(e.start, e.end) for e in i.evidence]) for i in other
    ]


def test_widths_grow_with_top_k() -> None:
    assert stage_widths("card", 20) == Widths(200, 20, 20)
    assert stage_widths("balanced", 20) == Widths(400, 200, 100)
    assert stage_widths("card", 200) == Widths(200, 200, 200)
    assert stage_widths("balanced", 200) == Widths(900, 900, 600)


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        st.sampled_from("\u0301\u200d\u202e\u05d0\u0627\U0001f469\r\n\t,;()"),
    ),
    max_size=100,
)
TERMS = st.sampled_from(["low back pain", "shingles", "Hay  fever", "atrial\tfibrillation", "acute\r\nappendicitis"])


@given(st.lists(st.one_of(HOSTILE, TERMS), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_code_has_evidence_that_slices_back_exactly(pipeline: CodingPipeline, parts: list[str]) -> None:
    text = " ".join(parts)
    for item in _all(_code(pipeline, text)):
        assert item.evidence
        for evidence in item.evidence:
            assert text[evidence.start : evidence.end] == evidence.text and evidence.text.strip()
            wide = text.encode("utf-16-le")
            start, end = (len(text[:at].encode("utf-16-le")) for at in (evidence.start, evidence.end))
            assert wide[start:end].decode("utf-16-le") == evidence.text


def test_stage_times_are_named_as_the_design_names_them(pipeline: CodingPipeline) -> None:
    timings = _code(pipeline, "Lumbago.").timings_ms
    stages = {"segment", "encode", "search64", "rescore256", "rescore768", "attend", "assert", "decide"}
    assert set(timings) <= stages and {"segment", "encode", "search64"} <= set(timings)
    assert np.isfinite(list(timings.values())).all()


def test_one_code_of_a_family_is_answered_and_the_others_are_its_alternatives(pipeline: CodingPipeline) -> None:
    coding = _code(pipeline, "Fracture of skull, subsequent encounter.")
    families = [item.code[:-1] for item in _all(coding) if len(item.code.replace(".", "")) == 7]
    assert len(families) == len(set(families))
    skull = _all(coding)[0]
    assert skull.code.endswith("D")
    assert [a.code for a in skull.alternatives] == [skull.code[:-1] + "A"]
    assert set(skull.stage_scores) == {"64", "256", "768"}
