"""A slice of ICD-10-CM with its notes, and answers over it, so that every rule runs on real codes without an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from app.edits.case import Case, Rule
from app.edits.facts import RuleBook
from app.pipeline.coding import Assertion, Caution, CodedItem, Evidence
from app.pipeline.note import Document, Note, Patient
from app.pipeline.segment import segment
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm

# code, title; a code is billable unless another one begins with it
TITLES = {
    "A41": "Other sepsis",
    "A41.9": "Sepsis, unspecified organism",
    "B96": "Other bacterial agents as the cause of diseases classified elsewhere",
    "B96.20": "Unspecified Escherichia coli [E. coli] as the cause of diseases classified elsewhere",
    "C61": "Malignant neoplasm of prostate",
    "E11": "Type 2 diabetes mellitus",
    "E11.2": "Type 2 diabetes mellitus with kidney complications",
    "E11.22": "Type 2 diabetes mellitus with diabetic chronic kidney disease",
    "E11.9": "Type 2 diabetes mellitus without complications",
    "F32": "Depressive episode",
    "F32.0": "Major depressive disorder, single episode, mild",
    "F32.1": "Major depressive disorder, single episode, moderate",
    "F32.9": "Major depressive disorder, single episode, unspecified",
    "F33": "Major depressive disorder, recurrent",
    "F33.1": "Major depressive disorder, recurrent, moderate",
    "H25": "Age-related cataract",
    "H25.1": "Age-related nuclear cataract",
    "H25.11": "Age-related nuclear cataract, right eye",
    "H25.12": "Age-related nuclear cataract, left eye",
    "H25.13": "Age-related nuclear cataract, bilateral",
    "I10": "Essential (primary) hypertension",
    "I12": "Hypertensive chronic kidney disease",
    "I12.9": "Hypertensive chronic kidney disease with stage 1 through stage 4 chronic kidney disease",
    "I21": "Acute myocardial infarction",
    "I21.4": "Non-ST elevation (NSTEMI) myocardial infarction",
    "J18": "Pneumonia, unspecified organism",
    "J18.9": "Pneumonia, unspecified organism",
    "J44": "Other chronic obstructive pulmonary disease",
    "J44.1": "Chronic obstructive pulmonary disease with (acute) exacerbation",
    "J44.9": "Chronic obstructive pulmonary disease, unspecified",
    "M17": "Osteoarthritis of knee",
    "M17.1": "Unilateral primary osteoarthritis of knee",
    "M17.10": "Unilateral primary osteoarthritis, unspecified knee",
    "M17.11": "Unilateral primary osteoarthritis, right knee",
    "M17.12": "Unilateral primary osteoarthritis, left knee",
    "M25": "Other joint disorder, not elsewhere classified",
    "M25.5": "Pain in joint",
    "M25.56": "Pain in knee",
    "M25.561": "Pain in right knee",
    "M25.562": "Pain in left knee",
    "M25.569": "Pain in unspecified knee",
    "N08": "Glomerular disorders in diseases classified elsewhere",
    "N18": "Chronic kidney disease (CKD)",
    "N18.4": "Chronic kidney disease, stage 4 (severe)",
    "N18.5": "Chronic kidney disease, stage 5",
    "N18.9": "Chronic kidney disease, unspecified",
    "O14": "Pre-eclampsia",
    "O14.9": "Unspecified pre-eclampsia",
    "O14.90": "Unspecified pre-eclampsia, unspecified trimester",
    "O14.92": "Unspecified pre-eclampsia, second trimester",
    "O14.93": "Unspecified pre-eclampsia, third trimester",
    "O24": "Diabetes mellitus in pregnancy, childbirth, and the puerperium",
    "O24.410": "Gestational diabetes mellitus in pregnancy, diet controlled",
    "P07": "Disorders of newborn related to short gestation and low birth weight",
    "P07.30": "Preterm newborn, unspecified weeks of gestation",
    "R07": "Pain in throat and chest",
    "R07.8": "Other chest pain",
    "R07.89": "Other chest pain",
    "R07.9": "Chest pain, unspecified",
    "R65": "Symptoms and signs specifically associated with systemic inflammation and infection",
    "R65.20": "Severe sepsis without septic shock",
    "S61": "Open wound of wrist, hand and fingers",
    "S61.411": "Laceration without foreign body of right hand",
    "S61.411A": "Laceration without foreign body of right hand, initial encounter",
    "S61.411D": "Laceration without foreign body of right hand, subsequent encounter",
    "S61.411S": "Laceration without foreign body of right hand, sequela",
    "T45": "Poisoning by, adverse effect of and underdosing of primarily systemic and hematological agents",
    "T45.516A": "Underdosing of anticoagulants, initial encounter",
    "W19": "Unspecified fall",
    "W19.XXXA": "Unspecified fall, initial encounter",
    "Z38": "Liveborn infants according to place of birth and type of delivery",
    "Z38.2": "Single liveborn infant, unspecified as to place of birth",
    "Z3A": "Weeks of gestation",
    "Z3A.32": "32 weeks gestation of pregnancy",
    "Z30": "Encounter for contraceptive management",
    "Z30.02": "Counseling and instruction in natural family planning to avoid pregnancy",
    "Z85": "Personal history of malignant neoplasm",
    "Z85.49": "Personal history of malignant neoplasm of other male genital organs",
    "Z79": "Long term (current) drug therapy",
    "Z79.4": "Long term (current) use of insulin",
}
NOTES: dict[str, dict[str, tuple[str, ...]]] = {
    "F32": {"excludes1": ("bipolar disorder (F31.-)", "recurrent depressive disorder (F33.-)")},
    "I12.9": {"use_additional": ("code to identify the stage of chronic kidney disease (N18.1-N18.4, N18.9)",)},
    "J44": {"use_additional": ("code to identify:", "tobacco dependence (F17.-)", "tobacco use (Z72.0)")},
    "N08": {"code_first": ("underlying disease, such as:", "amyloidosis (E85.-)", "sepsis (A40.0-A41.9)")},
    "N18": {
        "code_first": (
            "any associated:",
            "diabetic chronic kidney disease (E08.22, E09.22, E10.22, E11.22, E13.22)",
            "hypertensive chronic kidney disease (I12.-, I13.-)",
        )
    },
    "R65.20": {"code_first": ("underlying infection, such as:", "sepsis NOS (A41.9)")},
}


class Slice:
    """The code set of TITLES and NOTES, under the name of the real one."""

    name = "icd-10-cm"
    edition = "2026-04"
    system = "http://hl7.org/fhir/sid/icd-10-cm"

    def codes(self) -> Sequence[Code]:
        return [
            Code(code, title, _parent(code), not any(_parent(other) == code for other in TITLES), NOTES.get(code, {}))
            for code, title in sorted(TITLES.items())
        ]

    def forms(self) -> Iterator[SurfaceForm]:
        yield from (SurfaceForm(code, title, FormSource.TITLE) for code, title in TITLES.items())


def _parent(code: str) -> str | None:
    above = (code[:length].rstrip(".") for length in range(len(code) - 1, 2, -1))
    return next((other for other in above if other in TITLES), None)


@dataclass(frozen=True)
class Answers:
    """Makes an answer of codes whose evidence is given as words of a note."""

    book: RuleBook
    found: dict[str, str] = field(default_factory=dict)

    def case(
        self,
        text: str,
        codes: dict[str, str],
        candidates: dict[str, str] | None = None,
        *,
        patient: Patient | None = None,
        inpatient: bool = False,
    ) -> Case:
        note = segment(Note((Document(text),)))
        starts = [(section.start, section.label) for section in note.sections]

        def items(given: dict[str, str]) -> tuple[CodedItem, ...]:
            return tuple(self.item(code, words, text, starts, rank) for rank, (code, words) in enumerate(given.items()))

        return Case(self.book, items(codes), items(candidates or {}), note, patient or Patient(), inpatient)

    def item(self, code: str, words: str, text: str, starts: list[tuple[int, str | None]], rank: int) -> CodedItem:
        start = text.index(words)
        section = next((label for begin, label in reversed(starts) if begin <= start), None)
        evidence = Evidence(0, start, start + len(words), words, 1.0, section, Assertion.PRESENT)
        title = self.book.of(code).title
        return CodedItem(
            code=code,
            display=title,
            system=Slice.system,
            edition=Slice.edition,
            rank=rank + 1,
            score=0.9 - rank / 100,
            probability=0.9 - rank / 100,
            billable=self.book.of(code).billable,
            evidence=(evidence,),
            stage_scores={},
            assertion=Assertion.PRESENT,
        )


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    return RuleBook(Catalog.write(Slice(), tmp_path_factory.mktemp("catalog") / "catalog.sqlite"))


@pytest.fixture
def answers(book: RuleBook) -> Answers:
    return Answers(book)


@pytest.fixture
def plain(answers: Answers) -> Callable[..., Case]:
    """An answer whose note says nothing but the titles of the codes."""

    def make(*codes: str, candidates: Sequence[str] = (), **options: object) -> Case:
        words = {code: f"finding {number}" for number, code in enumerate((*codes, *candidates))}
        text = ". ".join(words.values()) + "."
        below = {code: words[code] for code in candidates}
        case = answers.case(text, {code: words[code] for code in codes}, below)
        return replace(case, **options)  # type: ignore[arg-type]  # named as the fields are

    return make


def cautions(rule: Rule, case: Case) -> list[Caution]:
    """What a rule says of an answer."""
    return [finding.caution for finding in rule(case) if finding.caution is not None]
