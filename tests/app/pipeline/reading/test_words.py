"""What shorthand and misspelled words are read as."""

from __future__ import annotations

import pytest

from app.pipeline.note import Document, Note
from app.pipeline.reading.language import is_english
from app.pipeline.reading.misspellings import MOST_UNKNOWN, Speller, corrected, vocabulary
from app.pipeline.reading.shorthand import shorthand_lexicon
from app.pipeline.segment import segment_read


def _read(text: str) -> str:
    return segment_read(Note((Document(text),))).note.documents[0].text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("pt w/ htn.", "pt with hypertension."),
        ("dm2 w/neuropathy", "type 2 diabetes mellitus with neuropathy"),
        ("no cp/sob", "no chest pain/shortness of breath"),
        ("UTIs", "urinary tract infection"),
        ("SpO2 98% on RA.", "SpO2 98% on room air."),
        ("RA on methotrexate, hands stiff.", "rheumatoid arthritis on methotrexate, hands stiff."),
        ("RA pressure 8 mmHg", "right atrium pressure 8 mmHg"),
        ("Ms. Brown and Mr Lopez came.", "Ms. Brown and Mr Lopez came."),
        ("ALL QUESTIONS WERE ANSWERED.", "ALL QUESTIONS WERE ANSWERED."),
        ("CONTINUE MEDICINES AS BEFORE", "CONTINUE MEDICINES AS BEFORE"),
        ("it was as before, or so he said", "it was as before, or so he said"),
        ("CXR shows pnuemonia.", "CXR shows pneumonia."),
        ("IMPRESSION: PNEUMNIA.", "IMPRESSION: PNEUMONIA."),
        ("seen by Petersonn today", "seen by Petersonn today"),
        ("hypotension", "hypotension"),
    ],
)
def test_words_are_read_as_meant(sent: str, text: str) -> None:
    assert _read(sent) == text


@pytest.mark.parametrize("note", ["SpO2 97% RA", "satting 94% on RA", "O2 sat 95% RA at rest", "weaned to RA"])
def test_room_air_is_no_arthritis(note: str) -> None:
    assert "room air" in _read(note)
    assert "rheumatoid" not in _read(note)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("PPD2, lochia scant", "postpartum day 2, lochia scant"),
        ("PPD 1 s/p NSVD", "postpartum day 1 status post spontaneous vaginal delivery"),
        ("smokes 1 PPD x 20 years", "smokes 1 packs per day x 20 years"),
        ("PPD placed, read at 48 h: 12 mm induration", "tuberculin skin test placed, read at 48 h: 12 mm induration"),
        ("PPD, EPDS 14, starting sertraline", "postpartum depression, EPDS 14, starting sertraline"),
        ("PPD.", "PPD."),
        ("GDMA2 on NPH qhs", "on NPH insulin qhs"),
        ("NPH with magnetic gait, VP shunt", "normal pressure hydrocephalus with magnetic gait, VP shunt"),
        ("POD1, pain controlled", "postoperative day 1, pain controlled"),
    ],
)
def test_days_packs_tests_and_insulins_are_told_apart(sent: str, text: str) -> None:
    assert text in _read(sent)


def test_an_ambiguous_abbreviation_without_context_stays_as_written() -> None:
    assert _read("RA.") == "RA."


def test_no_abbreviation_has_a_meaning_and_senses() -> None:
    lexicon = shorthand_lexicon()
    assert not set(lexicon.plain) & set(lexicon.ambiguous)
    assert lexicon.words <= set(lexicon.plain) | set(lexicon.ambiguous)


def test_what_the_tables_say_is_never_corrected() -> None:
    words = vocabulary()
    assert {"hypertension", "hypotension", "dysphagia", "dysphasia"} <= words.known
    assert set(words.terms) <= words.known


def test_a_correction_is_one_edit_away() -> None:
    assert corrected("diabetis") == "diabetes"
    assert corrected("hpyertension") == "hypertension"
    assert corrected("hpyertensoin") is None


def test_a_text_of_strange_words_is_left_alone_after_a_while() -> None:
    strange = [f"qqqq{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(MOST_UNKNOWN)]
    text = " ".join([*strange, "pnuemonia"])
    assert list(Speller().corrections(text, 0, len(text))) == []


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("El paciente acude a urgencias por dolor y fiebre de dos horas con la familia en el hospital", False),
        ("Der Patient wurde mit Atemnot auf die Station aufgenommen und ist nicht bei uns seit der Nacht", False),
        ("\u60a3\u8005\u7537\u516d\u5341\u4e94\u5c81\u56e0\u80f8\u75db", False),
        ("HTN, DM2, CAD s/p CABG, COPD, CKD3", True),
        ("The patient from Los Angeles had a coup de sabre and cafe au lait spots", True),
        ("", True),
    ],
)
def test_a_note_is_english_or_not(text: str, english: bool) -> None:
    assert is_english([text]) is english
