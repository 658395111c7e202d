from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.corpora import CodiEsp, count_codes, match
from app.evaluation.errors import CorpusError
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm


class OneCode:
    name, edition, system = "set", "1", "urn:set"

    def codes(self) -> list[Code]:
        return [Code("R50.9", "Fever", None, True, {})]

    def forms(self) -> list[SurfaceForm]:
        return [SurfaceForm("R50.9", "Fever", FormSource.TITLE)]


def write_split(root: Path, texts: dict[str, bytes], lines: str, split: str = "dev") -> Path:
    folder = root / split / "text_files_en"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text)
    (root / split / f"{split}D.tsv").write_text(lines, encoding="utf-8")
    return root


def test_notes_come_sorted_with_upper_case_codes_and_untouched_text(tmp_path: Path) -> None:
    texts = {"b": b"Cough.\r\nNo fever.\r\n", "a": "37,5 \u00b0C".encode(), "c": b"Well."}
    write_split(tmp_path, texts, "b\tr05\nb\tj18.9\na\tr50.9\nb\tr05\n")
    notes = CodiEsp(tmp_path).notes("dev")
    assert [note.id for note in notes] == ["a", "b", "c"]
    assert [note.gold for note in notes] == [{"R50.9"}, {"R05", "J18.9"}, set()]
    assert notes[1].note.documents[0].text == "Cough.\r\nNo fever.\r\n"
    assert count_codes(notes) == {"R50.9": 1, "R05": 1, "J18.9": 1}


def test_a_note_keeps_its_words_out_of_its_repr(tmp_path: Path) -> None:
    (note,) = CodiEsp(write_split(tmp_path, {"a": b"secret words"}, "a\tr05\n")).notes("dev")
    assert "secret" not in repr(note)


@pytest.mark.parametrize(
    ("texts", "lines", "message"),
    [
        ({}, "", "no .txt files"),
        ({"a": b"x"}, "a r05\n", "line 1"),
        ({"a": b"x"}, "a\tr05\nz\tr05\n", "no text"),
        ({"a": b"\xff"}, "a\tr05\n", "not UTF-8 at byte 0"),
    ],
)
def test_a_malformed_folder_is_refused_by_name(
    tmp_path: Path, texts: dict[str, bytes], lines: str, message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        CodiEsp(write_split(tmp_path, texts, lines)).notes("dev")


def test_gold_takes_the_catalogs_spelling_and_unknown_codes_stay(tmp_path: Path) -> None:
    catalog = Catalog.write(OneCode(), tmp_path / "catalog.sqlite")
    (note,) = CodiEsp(write_split(tmp_path, {"a": b"x"}, "a\tr509\na\tz99.old\n")).notes("dev")
    assert [found.gold for found in match([note], catalog)] == [{"R50.9", "Z99.OLD"}]
    catalog.close()
