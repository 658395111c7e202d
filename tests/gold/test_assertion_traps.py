"""The assertion traps: their file is sound, and the rules read every finding of theirs as the gold has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.evaluation.assertion_traps import Finding, Trap, read_traps
from app.evaluation.errors import CorpusError
from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Assertion
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from index_builder.codesets.icd10cm import ICD10CM

FOLDER = Path(__file__).parent / "assertion_traps"


@pytest.fixture(scope="module")
def traps() -> Sequence[Trap]:
    return read_traps(FOLDER)


def _misread(trap: Trap) -> Iterator[tuple[str, Finding, Assertion]]:
    reader = AssertionReader(segment(Note((Document(trap.text),))))
    for finding in trap.findings:
        said = reader.assess(0, finding.start, finding.end)
        if said not in finding.said:
            yield trap.text[finding.start : finding.end], finding, said


def test_the_suite_holds_many_traps_of_every_assertion(traps: Sequence[Trap]) -> None:
    assert len(traps) >= 180
    assert {said for trap in traps for finding in trap.findings for said in finding.said} == set(Assertion)


def test_every_finding_is_read_as_the_gold_has_it(traps: Sequence[Trap]) -> None:
    assert {trap.id: misread for trap in traps if (misread := list(_misread(trap)))} == {}


def test_marked_words_are_whole_words(traps: Sequence[Trap]) -> None:
    for trap in traps:
        for finding in trap.findings:
            around = trap.text[max(0, finding.start - 1) : finding.start] + trap.text[finding.end : finding.end + 1]
            assert not any(map(str.isalnum, around)), trap.id


def test_a_wrong_finding_is_told_by_its_codes_from_what_is_to_be_coded(traps: Sequence[Trap]) -> None:
    for trap in traps:
        right = [c for f in trap.findings if f.counts(trap.encounter) for c in f.codes]
        wrong = [c for f in trap.findings if not f.counts(trap.encounter) for c in f.codes]
        assert not any(a.startswith(b) or b.startswith(a) for a in right for b in wrong), trap.id


def test_every_beginning_of_a_code_has_codes(traps: Sequence[Trap], icd10cm: ICD10CM) -> None:
    names = sorted(code.code for code in icd10cm.codes())
    starts = {c for trap in traps for c in (*trap.offers, *(c for f in trap.findings for c in f.codes))}
    assert [start for start in sorted(starts) if not any(name.startswith(start) for name in names)] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a-1\toutpatient\t-", "3 fields, expected 4"),
        ("a-1\tward\t-\tNo {negated R50 fever}.", "no such encounter"),
        ("a-1\toutpatient\t-\tNo {denied R50 fever}.", "no such assertion"),
        ("a-1\toutpatient\t-\tNo fever.", "expected findings marked"),
        ("a-1\toutpatient\t-\t{present R05 Cough}, no {negated fever}.", "expected findings marked"),
    ],
)
def test_a_malformed_line_is_told_by_its_number(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "traps.tsv").write_text(f"id\tencounter\toffers\ttext\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"line 2: {said}"):
        read_traps(tmp_path)
