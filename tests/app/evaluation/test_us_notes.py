from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.evaluation.corpora.coded_note import Corpus
from app.evaluation.errors import CorpusError
from app.evaluation.us_notes import UsNote, UsNotes, resolve
from model.metrics.ranking import judge


def entry(id: str, *rows: tuple[str, list[str]], **fields: Any) -> dict[str, Any]:
    codes = [{"code": code, "accept": accept, "wording": "secret", "in_tables": True} for code, accept in rows]
    return {"id": id, "specialty": "urology", "codes": codes, "forbidden": [], "optional": []} | fields


def write_suite(folder: Path, *entries: Any, texts: tuple[str, ...] = ("a",)) -> UsNotes:
    for name in texts:
        (folder / f"{name}.txt").write_bytes(f"{name}: secret words\r\n".encode())
    (folder / "gold.jsonl").write_text("".join(json.dumps(one) + "\n" for one in entries), encoding="utf-8")
    return UsNotes(folder)


def one_note(folder: Path, *rows: tuple[str, list[str]], **fields: Any) -> UsNote:
    (note,) = write_suite(folder, entry("a", *rows, **fields)).notes()
    return note


def test_notes_come_sorted_with_their_gold_and_untouched_text(tmp_path: Path) -> None:
    corpus: Corpus = write_suite(
        tmp_path, entry("b", ("N20.0", [])), entry("a", ("R05.9", []), ("I10", [])), texts=("a", "b")
    )
    notes = corpus.notes("all")
    assert corpus.name == "us-notes"
    assert [(note.id, sorted(note.gold)) for note in notes] == [("a", ["I10", "R05.9"]), ("b", ["N20.0"])]
    assert notes[0].note.documents[0].text == "a: secret words\r\n"


def test_a_note_keeps_its_words_out_of_its_repr(tmp_path: Path) -> None:
    note = one_note(tmp_path, ("I10", []))
    assert "secret" not in repr(note) and "secret" not in repr(note.rows)


def test_there_is_no_split_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no split train: expected all"):
        write_suite(tmp_path, entry("a", ("I10", []))).notes("train")


@pytest.mark.parametrize(
    ("entries", "texts", "message"),
    [
        ([entry("a"), entry("a")], ("a",), "names a note twice"),
        ([entry("a")], ("a", "b"), "does not name b"),
        ([entry("a"), entry("b")], ("a",), r"b\.txt is missing"),
        ([entry("a"), {"id": "b"}], ("a", "b"), "line 2: not an object"),
        ([entry("a", forbidden="secret")], ("a",), "line 1: not an object"),
        ([["secret"]], ("a",), "line 1: not an object"),
    ],
)
def test_a_malformed_suite_is_refused_without_its_words(
    tmp_path: Path, entries: list[Any], texts: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        write_suite(tmp_path, *entries, texts=texts).notes()
    assert "secret" not in str(caught.value)


def test_text_that_is_not_json_is_refused_by_line(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text("{secret\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"gold\.jsonl line 1") as caught:
        UsNotes(tmp_path).notes()
    assert "secret" not in str(caught.value)


def test_a_missing_gold_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"gold\.jsonl is missing"):
        UsNotes(tmp_path).notes()


def test_a_forbidden_category_covers_the_codes_below_it(tmp_path: Path) -> None:
    note = one_note(tmp_path, ("I10", []), forbidden=["E11", "J18.9"])
    assert note.violations(["E11.9", "I10", "J18.9", "J18.1", "E10.9"]) == ["E11.9", "J18.9"]
    assert one_note(tmp_path, ("I10", [])).violations(["E11.9"]) == []


@pytest.mark.parametrize(
    ("ranked", "resolved"),
    [
        (["I10", "A00.0"], ["I10", "A00.0"]),  # nothing to do
        (["A00.0", "I20.1", "R05.9"], ["A00.0", "I20.0", "R05.9"]),  # an alternative is a hit at its rank
        (["I20.1", "A00.0", "I20.0"], ["I20.0", "A00.0", "I20.1"]),  # the gold code behind it is no second hit
        (["I20.0", "I20.1"], ["I20.0", "I20.1"]),  # nor is an alternative behind the gold code
        (["I20.2", "I20.1", "I20.0"], ["I20.0", "I20.1", "I20.2"]),  # nor two alternatives
        ([], []),
    ],
)
def test_accepted_alternatives_count_once_and_move_nothing(
    tmp_path: Path, ranked: list[str], resolved: list[str]
) -> None:
    note = one_note(tmp_path, ("I10", []), ("I20.0", ["I20.1", "I20.2"]))
    assert resolve(note, ranked) == resolved


def test_a_resolved_ranking_is_judged_as_hits(tmp_path: Path) -> None:
    note = one_note(tmp_path, ("I10", []), ("I20.0", ["I20.1"]))
    judged = judge([resolve(note, ["I20.1", "I20.0", "I10"])], [note.gold])
    assert judged.hits.tolist() == [[True, False, True]]
