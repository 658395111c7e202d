"""Long-term drugs are reported with the condition that they are taken for, when the note gives them."""

from __future__ import annotations

import pytest

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import CodedItem
from app.pipeline.conventions.answering import Answering
from app.pipeline.conventions.therapies import RULE, report_therapies, therapies
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM


def item(code: str, probability: float) -> CodedItem:
    return CodedItem(code, code, "cm", "2026-04", 1, probability, probability, True, (), {})


def reported(text: str, *conditions: str) -> dict[str, CodedItem]:
    note = segment_read(Note((Document(text),)))
    answer = Answering({c: item(c, 0.8) for c in conditions}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_therapies(answer, note, AssertionReader(note))
    return {code: one for code, one in answer.items.items() if code not in conditions}


@pytest.mark.parametrize(
    ("text", "condition", "code"),
    [
        ("Discharge medications: amlodipine 10 mg daily, metformin 1000 mg BID, aspirin 81 mg.", "E11.65", "Z79.84"),
        ("Type 2 diabetes: A1c 7.9, add glimepiride 2 mg with breakfast.", "E11.9", "Z79.84"),
        ("MEDS: Jardiance 10, lisinopril 20", "E11.22", "Z79.84"),
        ("Home meds: Lantus 22 units at bedtime, Humalog with meals", "E11.42", "Z79.4"),
        ("Her diabetes is treated with insulin glargine.", "E11.9", "Z79.4"),
        ("Diabetes after pancreatectomy, on an insulin pump.", "E13.9", "Z79.4"),
        ("Ozempic 1 mg weekly, tolerating it well.", "E11.9", "Z79.85"),
        ("age-related osteoporosis, takes Fosamax on Sundays", "M81.0", "Z79.83"),
        ("Continue alendronate, calcium and vitamin D.", "M80.051A", "Z79.83"),
        ("Osteopenia. Risedronate 35 mg weekly.", "M85.80", "Z79.83"),
        ("Permanent AF, rate controlled, warfarin with INR 2.4.", "I48.21", "Z79.01"),
        ("MEDICATIONS: metoprolol 50 mg, Eliquis 5 mg twice daily", "I48.0", "Z79.01"),
        ("Mechanical mitral valve, Coumadin 5 mg daily.", "Z95.2", "Z79.01"),
        ("CAD with stents, clopidogrel 75 mg daily.", "I25.10", "Z79.02"),
        ("Claudication, better on Plavix and walking.", "I73.9", "Z79.02"),
        ("Prior stroke without deficits; ticagrelor 90 mg bid.", "Z86.73", "Z79.02"),
        ("Aspirin stopped, metformin continued.", "E11.9", "Z79.84"),
    ],
)
def test_a_drug_that_the_note_gives_is_reported_as_probably_as_its_condition(
    text: str, condition: str, code: str
) -> None:
    found = reported(text, condition)
    assert list(found) == [code]
    assert found[code].probability == pytest.approx(0.99 * 0.8)
    assert [(w.rule, w.codes) for w in found[code].warnings] == [(RULE, (condition,))]
    words, read = found[code].evidence[0], segment_read(Note((Document(text),))).note.documents[0].text
    assert read[words.start : words.end] == words.text


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("Metformin was stopped in March for diarrhea.", "E11.9"),
        ("Allergies: metformin (rash).", "E11.9"),
        ("STOP: glipizide, pioglitazone", "E11.9"),
        ("She is not taking metformin.", "E11.9"),
        ("If the A1c stays above 8, metformin.", "E11.9"),
        ("Sliding scale insulin while NPO.", "E11.9"),
        ("Glucose 410, given 10 units of insulin in the ED.", "E11.65"),
        ("Insulin resistance was explained.", "E11.9"),
        ("Insulin glargine 12 units nightly", "E10.9"),  # type 1 needs insulin anyway
        ("Metformin for polycystic ovaries.", "E28.2"),
        ("Declined alendronate.", "M81.0"),
        ("Apixaban was discontinued after the GI bleed.", "I48.0"),
        ("Mother takes warfarin.", "I48.0"),
        ("Loaded with clopidogrel 300 mg.", "I25.10"),
        ("Continue metformin.", "I10"),
    ],
)
def test_a_drug_that_is_stopped_thought_of_or_for_something_else_is_not(text: str, condition: str) -> None:
    assert reported(text, condition) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Home medications: lisinopril 10 mg, Eliquis 5 mg twice daily, vitamin D", "Z79.01"),
        ("She stays on enoxaparin 80 mg, long term.", "Z79.01"),
        ("Medications: ticagrelor 90 mg twice daily, metoprolol", "Z79.02"),
        ("Takes prednisone 7.5 mg a day for the past three years.", "Z79.52"),
        ("Chronic prednisone use has thinned her skin.", "Z79.52"),
        ("Takes letrozole nightly.", "Z79.811"),
        ("Tamoxifen 20 mg daily since the operation.", "Z79.810"),
        ("On adalimumab every two weeks.", "Z79.620"),
        ("Prograf 2 mg twice daily.", "Z79.621"),
        ("Upadacitinib 15 mg daily, tolerating it.", "Z79.622"),
        ("Sirolimus 1 mg each morning.", "Z79.623"),
        ("Azathioprine 150 mg daily.", "Z79.624"),
        ("Methotrexate 15 mg weekly with folic acid.", "Z79.631"),
        ("Hydroxyurea 1000 mg daily.", "Z79.64"),
        ("Oxycodone ER 20 mg every 12 hours for the back.", "Z79.891"),
        ("Opioid agreement signed again.", "Z79.891"),
        ("Takes oral contraceptives.", "Z79.3"),
        ("Takes alendronate every Sunday.", "Z79.83"),
    ],
)
def test_a_drug_that_is_taken_for_long_needs_no_condition(text: str, code: str) -> None:
    found = reported(text, "I10")
    alone = max(therapy.alone or 0.0 for therapy in therapies() if therapy.code == code)
    assert list(found) == [code]
    assert found[code].probability == pytest.approx(0.99 * alone, abs=1e-4)
    assert [(w.rule, w.codes) for w in found[code].warnings] == [(RULE, ())]


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("Enoxaparin 40 mg for prophylaxis.", "I10"),
        ("Apixaban 2.5 mg as clot prevention after the hip.", "I10"),
        ("Prednisone taper over ten days.", "I10"),
        ("No chronic steroid use.", "I10"),
        ("Cyclosporine eye drops twice daily.", "I10"),
        ("Tacrolimus ointment to the elbows.", "I10"),
        ("Chronic opioid use, now on methadone.", "F11.20"),
        ("Hydromorphone PCA after surgery.", "I10"),
        ("Methotrexate was given for the ectopic pregnancy.", "O00.101"),
        ("Tamoxifen would be an option.", "I10"),
        ("Adalimumab lost response.", "I10"),
        ("Discussed birth control pills.", "I10"),
        ("Sister takes tamoxifen.", "I10"),
    ],
)
def test_short_local_or_planned_use_is_no_long_term_use(text: str, condition: str) -> None:
    assert reported(text, condition) == {}


def test_an_improbable_condition_has_no_drug() -> None:
    note = segment_read(Note((Document("metformin 500 mg daily"),)))
    answer = Answering({"E11.9": item("E11.9", 0.2)}, 0.3, set(), lambda c: item(c, 0.0), lambda p: p)
    report_therapies(answer, note, AssertionReader(note))
    assert set(answer.items) == {"E11.9"}


def test_every_therapy_names_codes_of_the_tabular_list() -> None:
    billable = {code.code: code.billable for code in ICD10CM(terms=None).codes()}
    assert all(billable[therapy.code] for therapy in therapies())
    assert {start for therapy in therapies() for start in therapy.conditions} <= set(billable)
