"""Evidence as answers show it: without linking words at its ends, never empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.coding import CodedItem, Coding, Evidence
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.phrases import in_phrases, trimmed
from app.pipeline.pipeline import CodingPipeline
from tests.index_builder.fakes import DISEASES

ANY = CodingOptions(assertion="annotate", billable_only=False)


@pytest.mark.parametrize(
    ("text", "run", "shown"),
    [
        ("exacerbation of COPD", "of COPD", "COPD"),
        ("seen with the gout of the", "with the gout of the", "gout"),
        ("Of the COPD", "Of the COPD", "COPD"),
        ("end stage renal disease (ESRD) is", "renal disease (ESRD", "renal disease (ESRD)"),
        ("denies chest pain", "denies chest pain", "denies chest pain"),
        ("pain of the", "the", "the"),
        ("HER2+ and", "HER2+ and", "HER2+"),
        ("no gout", "no gout", "no gout"),
    ],
)
def test_linking_words_are_trimmed_and_something_always_stays(text: str, run: str, shown: str) -> None:
    at = text.index(run)
    start, end = trimmed(text, (at, at + len(run)))
    assert text[start:end] == shown


@given(
    st.lists(
        st.sampled_from(["of", "the", "COPD", "and", "(", ")", "-", "1.", "with", "gout,"]), min_size=1, max_size=6
    )
)
def test_what_is_shown_lies_inside_but_for_a_bracket_and_stays_when_trimmed_again(words: list[str]) -> None:
    text = " ".join(words)
    start, end = trimmed(text, (0, len(text)))
    assert 0 <= start < end <= len(text)
    assert trimmed(text, (start, end)) == (start, end)


def test_every_list_is_trimmed_and_slices_back() -> None:
    text = "exacerbation of COPD"
    evidence = (Evidence(0, 13, 20, "of COPD", 0.9, None),)
    item = CodedItem("X", "", "", "", 1, 0.9, 0.9, True, evidence, {})
    shown = in_phrases(Coding((item,), (item,), (item,)), Note((Document(text),)))
    for (one,) in (shown.codes, shown.candidates, shown.suppressed):
        (found,) = one.evidence
        assert (found.start, found.end, found.text, found.weight) == (16, 20, "COPD", 0.9)


def test_answers_show_no_linking_words(pipeline: CodingPipeline) -> None:
    text = ". ".join(f"Seen for the {title} and the rest" for title, _ in DISEASES.values())
    coding = pipeline.code([Note((Document(text),))], [ANY])[0]
    found = [one for item in (*coding.codes, *coding.candidates) for one in item.evidence]
    assert len(found) >= 10
    for one in found:
        assert text[one.start : one.end] == one.text
        assert one.text.split()[0].lower() not in {"the", "for", "of"} and one.text.split()[-1] not in {"and", "the"}
