"""What the coding conventions make of an answer as a whole: combination codes, and what the note states in plain words.

Those are the kind of diabetes, fractures of osteoporosis, deliveries and their outcome, tobacco, immunizations,
allergies, long-term drugs, body mass index, weeks of gestation, trimesters, what a pregnancy makes of other
conditions, and births too early.
"""

from __future__ import annotations

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.assertion.verdict import Sorted
from app.pipeline.conventions.allergies import report_allergies
from app.pipeline.conventions.answering import Answering, Maker, ScoreOf
from app.pipeline.conventions.body_mass import report_body_mass
from app.pipeline.conventions.childbirth import report_childbirth
from app.pipeline.conventions.combinations import combine
from app.pipeline.conventions.diabetes import settle_kind
from app.pipeline.conventions.fragility import report_fragility
from app.pipeline.conventions.gestation import report_gestation
from app.pipeline.conventions.outcome import report_outcome
from app.pipeline.conventions.pregnancy import report_pregnancy
from app.pipeline.conventions.prematurity import report_prematurity
from app.pipeline.conventions.statements import report_statements
from app.pipeline.conventions.therapies import report_therapies
from app.pipeline.conventions.trimester import settle_trimester
from app.pipeline.note import Patient
from app.pipeline.spans import Segmented
from index_builder.codesets.sources import ICD10CM_NAME

CODE_SET = ICD10CM_NAME  # that the rules are of


def follow_conventions(
    found: Sorted,
    note: Segmented,
    reader: AssertionReader,
    patient: Patient,
    *,
    floor: float,
    make: Maker,
    score_of: ScoreOf,
) -> None:
    """Work the rules into what was found. Every item must have a probability; floor: that of `codes`."""
    answer = Answering({item.code: item for item in found.kept}, floor, found.demoted, make, score_of)
    settle_kind(answer, note, reader)
    combine(answer)
    report_fragility(answer, note, reader)
    report_childbirth(answer, note, reader, patient.age_years)
    report_outcome(answer, note, reader, patient.age_years)
    report_therapies(answer, note, reader)
    report_gestation(answer, note, patient.age_years)
    report_body_mass(answer, note, reader, patient.age_years)
    report_statements(answer, note, reader, patient.age_years)
    report_allergies(answer, note, reader)
    settle_trimester(answer, note, reader, patient.age_years)
    report_pregnancy(answer, note, reader, patient.age_years)
    report_prematurity(answer, note, patient.age_years)
    found.kept = answer.ranked()
    found.suppressed = [item for item in found.suppressed if item.code not in answer.items]
