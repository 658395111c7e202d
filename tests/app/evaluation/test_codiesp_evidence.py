"""Evidence marked in Spanish stands in the English text, and files that are not as published are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.codiesp_evidence import projected_mentions
from app.evaluation.errors import CorpusError
from tests.app.training.corpus import ENGLISH, NOTES, write_corpus


def test_diagnoses_are_carried_over_and_procedures_are_not(tmp_path: Path) -> None:
    mentions = projected_mentions(write_corpus(tmp_path), "train")
    assert len(mentions) == 2 * NOTES and {m.note for m in mentions} == {f"n{n}" for n in range(NOTES)}
    found = {m.code: ENGLISH[m.start : m.end] for m in mentions}
    assert found.keys() == {"G43", "D50"}
    assert "migraine" in found["G43"] and "shingles" not in found["G43"]
    assert "Low iron" in found["D50"]


def test_a_damaged_line_is_named_without_its_words(tmp_path: Path) -> None:
    file = write_corpus(tmp_path) / "train" / "trainX.tsv"
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([lines[0], lines[1].rsplit("\t", 1)[0] + "\tsecret"]), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"trainX.tsv line 2: 6 characters are no pair") as error:
        projected_mentions(tmp_path, "train")
    assert "secret" not in str(error.value)
    file.write_text("n0\tDIAGNOSTICO\n")
    with pytest.raises(CorpusError, match="line 1: expected five fields"):
        projected_mentions(tmp_path, "train")
    file.unlink()
    with pytest.raises(CorpusError, match="trainX.tsv is missing"):
        projected_mentions(tmp_path, "train")
