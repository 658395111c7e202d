"""Procedures are judged by the whole code and by its first four characters; the operative lines are sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation.errors import CorpusError
from app.evaluation.procedures import CODIESP, LINES, Operated, read_procedures
from app.evaluation.procedures_measure import Level, measure_procedures
from app.pipeline.coding import CodedItem, Coding
from app.pipeline.note import CodingOptions, Document, Note

GOLD = Path(__file__).parents[2] / "gold" / "operative_lines"


class Answers:
    """Answers each text with the codes that it is, best first."""

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        return [_coding(note.documents[0].text.split()) for note in notes]


def _coding(codes: Sequence[str]) -> Coding:
    items = tuple(
        CodedItem(code, code, "set", "edition", at + 1, 1 - at / 10, None, billable=True, evidence=(), stage_scores={})
        for at, code in enumerate(codes)
    )
    return Coding(items, (), ())


def _measured(text: str, *expected: tuple[str, ...]) -> tuple[Level, Level, dict[str, tuple[int | None, int | None]]]:
    texts = [Operated("one", expected, Note((Document(text),)))]
    found = measure_procedures(Answers(), texts, "general", 20, lambda *_: None)
    return found.whole, found.four, found.ranks


def test_codes_of_one_operation_take_one_place_by_four_characters() -> None:
    whole, four, ranks = _measured("0DTJ0ZZ 0DTJ4ZZ 0FT44ZZ", ("0FT44ZZ",))
    assert ranks == {"one 0FT44ZZ": (3, 2)}
    assert abs(whole.MAP - 1 / 3) < 1e-9
    assert four.MAP == 0.5


def test_an_approach_that_the_gold_does_not_name_is_not_asked_for() -> None:
    whole, _, ranks = _measured("0FT40ZZ 0FT44ZZ", ("0FT4",))
    assert whole == Level(1.0, 1.0, 1.0)
    assert ranks == {"one 0FT4": (1, 1)}


def test_codes_that_are_equally_right_count_once_and_what_is_missed_has_no_rank() -> None:
    whole, _, ranks = _measured("0DB68ZX 0DB78ZX", ("0DB68ZX", "0DB78ZX"), ("0FT44ZZ",))
    assert whole.recall_5 == 0.5
    assert ranks == {"one 0DB68ZX/0DB78ZX": (1, 1), "one 0FT44ZZ": (None, None)}


def test_the_operative_lines_are_twenty_and_their_codes_have_four_characters_at_least() -> None:
    lines = read_procedures(LINES, GOLD, "all")
    assert len(lines) == 20
    assert {len(start) for line in lines for group in line.expected for start in group} <= {4, 5, 6, 7}


def test_procedures_of_codiesp_are_read_from_their_own_table(tmp_path: Path) -> None:
    folder = tmp_path / "dev" / "text_files_en"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("Cystoscopy.")
    (tmp_path / "dev" / "devP.tsv").write_text("a\t0tjb8zz\na\tbt40\n")
    [text] = read_procedures(CODIESP, tmp_path, "dev")
    assert text.expected == (("0TJB8ZZ",), ("BT40",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id\ttext\n", "line 1: expected the columns"),
        ("id\texpected\ttext\na\t0FT\tx\n", "line 2: a procedure needs 4 characters"),
        ("id\texpected\ttext\na\t0FT4\n", "line 2: 2 fields"),
        ("id\texpected\ttext\na\t0FT4\tx\na\t0FT4\ty\n", "names a line twice"),
    ],
)
def test_malformed_lines_are_told(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "lines.tsv").write_text(content)
    with pytest.raises(CorpusError, match=said):
        read_procedures(LINES, tmp_path, "all")
