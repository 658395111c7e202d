"""Whatever stands around a finding, the finding itself is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation.shorthand_lines import AROUND, Line, read_shorthand
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment

FINDINGS = frozenset(
    {
        "anemia",
        "anxiety",
        "asthma",
        "atrial fibrillation",
        "copd",
        "coronary artery disease",
        "depression",
        "epilepsy",
        "gerd",
        "glaucoma",
        "gout",
        "hyperlipidemia",
        "hypertension",
        "hypothyroidism",
        "migraine",
        "obesity",
        "osteoarthritis",
        "osteoporosis",
        "psoriasis",
        "type 2 diabetes",
    }
)
OVER = ("History of anemia.", "H/o anemia.", "20-year history of anemia.")  # a history of it is no anemia


@pytest.fixture(scope="module")
def lines() -> Sequence[Line]:
    return read_shorthand(Path(__file__).parent / "around")


def test_the_lines_are_of_all_kinds(lines: Sequence[Line]) -> None:
    assert {line.kind for line in lines} == set(AROUND) and len(lines) == 350


def test_every_finding_is_a_clause_of_its_own(lines: Sequence[Line]) -> None:
    unread = []
    for line in lines:
        cut = segment(Note((Document(line.text),)))
        clauses = {cut.text_of(clause).casefold() for clause in cut.clauses}
        if FINDINGS.isdisjoint(clauses) and not any(over in line.text for over in OVER):
            unread.append(line.text)
    assert unread == []
