from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from app.pipeline.spans import Segmented

FRAGMENTS = st.sampled_from(
    [
        "PLAN:",
        "Past Medical History:",
        "Impression -",
        "LUNGS:",
        "ZEBRA COUNT:",
        "1. ",
        " 2) ",
        "asthma",
        "diabetes with",
    ]
    + [
        "\r\n",
        "\n",
        "\t",
        "\u2028",
        " ",
        ".,",
        ", ",
        ". ",
        "; ",
        "(",
        ")",
        "/",
        " and ",
        "b.i.d. ",
        "E. coli",
        "3.5 mg",
    ]
    + [
        "e\u0301\u0327",
        "\u05d0\u05d1\u05d2 ",
        "\u200f",
        "\u0645\u0631\u0636\u060c ",
        "👩\u200d⚕️",
        "\u7cd6\u5c3f\u75c5\u3002",
        "ß",
        "İ",
        "\ufeff",
    ]
)
HOSTILE = st.lists(FRAGMENTS | st.text(max_size=8), max_size=40).map("".join)


def cut(*texts: str) -> Segmented:
    return segment(Note(tuple(Document(text) for text in texts)))


def clause_texts(text: str) -> list[str]:
    found = cut(text)
    return [found.text_of(clause) for clause in found.clauses]


@settings(deadline=None, max_examples=80)
@given(st.lists(HOSTILE, min_size=1, max_size=3))
def test_sections_cover_and_everything_nests_in_order(texts: list[str]) -> None:
    found = cut(*texts)
    for number, text in enumerate(texts):
        sections = [section for section in found.sections if section.document == number]
        assert "".join(text[section.start : section.end] for section in sections) == text
        assert all(section.start <= section.heading_end <= section.end for section in sections)
        assert all(before.end == after.start for before, after in itertools.pairwise(sections))
    for sentence in found.sentences:
        section = found.sections[sentence.section]
        assert section.document == sentence.document
        assert section.heading_end <= sentence.start < sentence.end <= section.end
    for clause in found.clauses:
        around = found.sentences[clause.sentence]
        assert around.document == clause.document
        assert around.start <= clause.start < clause.end <= around.end
    for before, after in itertools.pairwise(found.sentences):
        assert (before.document, before.end) <= (after.document, after.start)
    places = [(clause.document, clause.start, clause.end) for clause in found.clauses]
    assert places == sorted(set(places))


@settings(deadline=None, max_examples=80)
@given(HOSTILE)
def test_a_clause_has_letters_and_no_blank_ends_and_no_character_is_encoded_more_than_twice(text: str) -> None:
    found = cut(text)
    encoded = [0] * len(text)
    for clause in found.clauses:
        words = found.text_of(clause)
        assert any(letter.isalpha() for letter in words)
        assert words == words.strip()
        for position in range(clause.start, clause.end):
            encoded[position] += 1
    assert max(encoded, default=0) <= 2


@settings(deadline=None, max_examples=80)
@given(HOSTILE)
def test_the_same_note_is_cut_in_the_same_way(text: str) -> None:
    assert cut(text) == cut(text)


@pytest.mark.parametrize("fragment", [",", "a,", "x", "PLAN:", "fever and ", "1) ", "(", "糖尿病", ". ", "\n", "the "])
def test_work_grows_no_faster_than_the_text(fragment: str) -> None:
    text = fragment * (20_000 // len(fragment))
    found = cut(text)
    assert len(found.sections) <= len(text) / 2
    assert len(found.sentences) <= len(text) / 2
    assert sum(clause.end - clause.start for clause in found.clauses) <= 2 * len(text)


def test_a_note_reads_as_its_writer_meant_it() -> None:
    text = (
        "Chief Complaint: cough\nHPI: Seen by Dr. Lowe for COPD. No fever.\n\n"
        "ASSESSMENT AND PLAN:\n1. Type 2 diabetes with neuropathy.  2. Hypertension, (stage 2)\n"
    )
    found = cut(text)
    assert [(section.label, text[section.start : section.heading_end]) for section in found.sections] == [
        ("chief_complaint", "Chief Complaint:"),
        ("history_of_present_illness", "HPI:"),
        ("assessment", "ASSESSMENT AND PLAN:"),
    ]
    assert [found.text_of(sentence) for sentence in found.sentences] == [
        "cough",
        "Seen by Dr. Lowe for COPD.",
        "No fever.",
        "1. Type 2 diabetes with neuropathy.",
        "2. Hypertension, (stage 2)",
    ]
    assert clause_texts(text)[-5:] == [
        "Type 2 diabetes",
        "Type 2 diabetes with neuropathy",
        "neuropathy",
        "Hypertension",
        "Hypertension, (stage 2)",
    ]


def test_a_note_without_words_has_no_sentences_or_clauses() -> None:
    for text in ("", "  \r\n\t", "... --- 👍 ..."):
        found = cut(text)
        assert (found.sentences, found.clauses) == ((), ())


def test_documents_keep_their_own_offsets() -> None:
    found = cut("Gout.", "", "é\u0301 PLAN: rest. Pneumonia.")
    assert [(c.document, found.text_of(c)) for c in found.clauses][-1] == (2, "Pneumonia")
    assert {section.document for section in found.sections} == {0, 2}
