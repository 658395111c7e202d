"""The lines of the words clinicians write: their file is sound, and what is read of them is what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation.errors import CorpusError
from app.evaluation.shorthand_lines import KINDS, Line, read_shorthand
from app.pipeline.note import Document, Note
from app.pipeline.reading.language import language_cautions
from app.pipeline.reading.misspellings import vocabulary
from app.pipeline.segment import segment_read
from index_builder.codesets.icd10cm import ICD10CM

FOLDER = Path(__file__).parent / "shorthand"


@pytest.fixture(scope="module")
def lines() -> Sequence[Line]:
    return read_shorthand(FOLDER)


def _read(line: Line) -> str:
    return segment_read(Note((Document(line.text),))).note.documents[0].text


def test_the_suite_holds_many_lines_of_every_kind(lines: Sequence[Line]) -> None:
    assert len(lines) >= 190
    assert {line.kind for line in lines} == set(KINDS)


def test_every_beginning_of_a_code_has_codes(lines: Sequence[Line], icd10cm: ICD10CM) -> None:
    names = [code.code for code in icd10cm.codes()]
    starts = {start for line in lines for one in (line.forbidden, *line.expected) for start in one}
    assert [start for start in sorted(starts) if not any(name.startswith(start) for name in names)] == []


def test_only_what_is_not_english_is_warned_of(lines: Sequence[Line]) -> None:
    told = {line.id for line in lines if language_cautions(Note((Document(line.text),)))}
    assert told == {line.id for line in lines if line.foreign}


def test_room_air_never_reads_as_arthritis(lines: Sequence[Line]) -> None:
    forbidden = [line for line in lines if "M06" in line.forbidden]
    assert forbidden
    assert [line.id for line in forbidden if "rheumatoid" in _read(line)] == []


def test_no_misspelled_word_is_left(lines: Sequence[Line]) -> None:
    known = vocabulary().known
    words = {
        line.id: _read(line).lower().strip(" .").split() for line in lines if line.kind == "typo" and line.expected
    }
    left = {name: [w for w in said if len(w) > 5 and w.isalpha() and w not in known] for name, said in words.items()}
    assert {name: strange for name, strange in left.items() if strange} == {}


@pytest.mark.parametrize(
    ("row", "said"), [("a\tsense\t-", "3 fields, expected 5"), ("a\tx\t-\t-\tGout", "no such kind")]
)
def test_a_malformed_line_is_told_by_its_number(row: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "lines.tsv").write_text(f"id\tkind\texpected\tforbidden\ttext\n{row}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"line 2: {said}"):
        read_shorthand(tmp_path)
