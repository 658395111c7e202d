"""Assertion: no finding that is negated, of the family or hypothetical passes, and none of the patient's is lost."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.assertion.naming import naming
from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment

SUPPRESSED = {Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL}

AORTA = "Abdominal aorta normal in caliber, no aneurysm"


@dataclass(frozen=True)
class Trap:
    """A phrase in a section of a note, and what a reader of the note would say of it."""

    text: str
    start: int
    end: int
    gold: Assertion

    @property
    def read(self) -> Assertion:
        return _reader(self.text).assess(0, self.start, self.end)


def _reader(*texts: str) -> AssertionReader:
    return AssertionReader(segment(Note(tuple(Document(text) for text in texts))))


def _said(text: str, phrase: str) -> Assertion:
    start = text.index(phrase)
    return _reader(text).assess(0, start, start + len(phrase))


def _traps() -> Iterator[Trap]:
    with (Path(__file__).parent / "traps.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            heading = f"{row['heading']}:\n" if row["heading"] else ""
            body = row["text"].replace("\\n", "\n")
            start = len(heading) + body.index(row["phrase"])
            yield Trap(heading + body, start, start + len(row["phrase"]), Assertion(row["assertion"]))


TRAPS = list(_traps())


def test_the_suite_holds_enough_sentences_of_every_kind() -> None:
    assert len({trap.text for trap in TRAPS}) >= 170
    assert {trap.gold for trap in TRAPS} == set(Assertion)


def test_no_finding_leaks_that_is_not_the_patients() -> None:
    assert [t for t in TRAPS if t.gold in SUPPRESSED and t.read not in SUPPRESSED] == []


def test_no_finding_of_the_patient_is_lost() -> None:
    assert [t for t in TRAPS if t.gold not in SUPPRESSED and t.read in SUPPRESSED] == []


def test_the_assertion_itself_is_right() -> None:
    wrong = [trap for trap in TRAPS if trap.read is not trap.gold]
    assert len(wrong) <= len(TRAPS) // 50, wrong


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("Denies chest pain.", "Denies chest pain", Assertion.NEGATED),
        ("There is no fever.", "no fever", Assertion.NEGATED),
        ("Fever: none", "Fever: none", Assertion.NEGATED),
        ("Abdomen without tenderness.", "Abdomen without tenderness", Assertion.NEGATED),
        ("Migraine without aura.", "Migraine without aura", Assertion.PRESENT),
        ("Family history of breast cancer.", "Family history of breast cancer", Assertion.FAMILY),
        ("History of breast cancer.", "History of breast cancer", Assertion.HISTORICAL),
        ("The drug may cause diarrhea.", "drug may cause diarrhea", Assertion.HYPOTHETICAL),
        ("He has chest pain if he climbs stairs.", "chest pain if he climbs", Assertion.PRESENT),
        ("Chest film shows no pneumonia.", "Chest film shows no pneumonia", Assertion.NEGATED),
    ],
)
def test_a_span_that_holds_the_trigger_is_read_by_its_own_finding(text: str, span: str, expected: Assertion) -> None:
    assert _said(text, span) is expected


@pytest.mark.parametrize(
    ("text", "span", "title", "expected"),
    [
        (AORTA, AORTA, "Abdominal aortic aneurysm, without rupture, unspecified", Assertion.NEGATED),
        ("Portal vein is patent, no thrombus.", "Portal vein is", "Portal vein thrombosis", Assertion.NEGATED),
        ("Macula flat, no edema.", "Macula flat, no edema", "Retinal edema", Assertion.NEGATED),
        ("Chest discomfort, no pain.", "Chest discomfort, no pain", "Chest pain, unspecified", Assertion.PRESENT),
        ("Hypertension, no failure.", "Hypertension", "Hypertension without failure", Assertion.PRESENT),
        ("Migraine without aura.", "Migraine without aura", "Migraine with aura", Assertion.PRESENT),
        (AORTA, AORTA, "Aortic ectasia", Assertion.PRESENT),
    ],
)
def test_what_a_code_names_is_denied_inside_its_evidence(text: str, span: str, title: str, expected: Assertion) -> None:
    start = text.index(span)
    assert _reader(text).assess(0, start, start + len(span), naming(title)) is expected


def test_each_document_is_read_by_itself() -> None:
    reader = _reader("No fever.", "Fever.")
    assert reader.assess(0, 3, 8) is Assertion.NEGATED
    assert reader.assess(1, 0, 5) is Assertion.PRESENT


def test_a_list_ends_what_the_line_before_it_says() -> None:
    text = "HPI:\nDenies:\n- fever\n- rash\n\nToday he has gout."
    assert [_said(text, word) for word in ("fever", "rash", "gout")] == [
        Assertion.NEGATED,
        Assertion.NEGATED,
        Assertion.PRESENT,
    ]


WORDS = st.one_of(
    st.sampled_from(sorted({word for trap in TRAPS for word in trap.text.split()})),
    st.sampled_from([",", ";", ":", "(", ")", "[", "]", "+", "-", "?", "\n", "\r\n", "\u0301", "\u202e", "\u05d0"]),
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=40), st.data())
def test_no_text_breaks_it(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    reader = _reader(text)
    start = data.draw(st.integers(0, len(text)))
    assert reader.assess(0, start, data.draw(st.integers(start, len(text) + 3))) in set(Assertion)


def _seconds(text: str) -> float:
    segmented = segment(Note((Document(text),)))
    best = float("inf")
    for _ in range(3):
        start = thread_time()
        AssertionReader(segmented)
        best = min(best, thread_time() - start)
    return best


@pytest.mark.parametrize(
    "piece",
    ["no ", "no a, ", "a; no b or ", "a, b: none ", "+a -b, ", "mother had if ", "a or b vs ", "(no ", "a screening "],
)
def test_the_time_is_linear_in_the_length_of_one_sentence(piece: str) -> None:
    short, long = (_seconds(piece * count) for count in (1_000, 8_000))
    assert long < 8 * 3 * short + 0.05
