from __future__ import annotations

from pathlib import Path

import pytest

from index_builder.catalog import Catalog
from index_builder.codesets.label_list import LabelList, read_labels
from index_builder.errors import CodeSetError

LABELS = [("396.1", "Mitral stenosis"), ("39.61", "Extracorporeal circulation"), ("V10.11", "History of cancer")]


def test_a_file_of_codes_and_titles_becomes_a_code_set(tmp_path: Path) -> None:
    (tmp_path / "labels.tsv").write_text("".join(f"{code}\t{title}\n" for code, title in LABELS), encoding="utf-8")
    code_set = LabelList("mine", read_labels(tmp_path / "labels.tsv"))
    assert [(code.code, code.title, code.parent, code.billable) for code in code_set.codes()] == [
        (code, title, None, True) for code, title in sorted(LABELS)
    ]
    assert [form.text for form in code_set.forms()] == [title for _, title in sorted(LABELS)]


def test_the_edition_is_the_content_whatever_its_order() -> None:
    assert LabelList("mine", LABELS).edition == LabelList("mine", LABELS[::-1]).edition
    assert LabelList("mine", LABELS).edition != LabelList("mine", LABELS[:2]).edition


def test_codes_that_differ_in_the_dot_alone_are_told_apart(tmp_path: Path) -> None:
    catalog = Catalog.write(LabelList("mine", LABELS), tmp_path / "catalog.sqlite")
    assert [catalog.position(code) for code in ("39.61", "396.1", "V10.11")] == [0, 1, 2]
    assert catalog.position("3961") == 0
    assert catalog.position("v1011") == 2
    assert catalog.position("396.10") is None
    catalog.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("401.9 Hypertension\n", "line 1: expected a code, a tab and a title"),
        ("401.9\tHypertension\n\n", "line 2: expected"),
        ("401.9\t \n", "line 1: expected"),
        ("401.9\tOne\n401.9\tTwo\n", "code 401.9 is listed twice"),
        ("\u00e9\tOne\n", "empty or not ASCII"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "labels.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(CodeSetError, match=message):
        LabelList("mine", read_labels(tmp_path / "labels.tsv"))


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeSetError, match="missing"):
        list(read_labels(tmp_path / "labels.tsv"))
    (tmp_path / "labels.tsv").write_bytes(b"\xff")
    with pytest.raises(CodeSetError, match="not UTF-8"):
        list(read_labels(tmp_path / "labels.tsv"))
