from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.corpora import NAMES, open_corpus
from app.evaluation.errors import CorpusError


@pytest.mark.parametrize("name", NAMES)
def test_a_corpus_opens_under_its_name(tmp_path: Path, name: str) -> None:
    corpus = open_corpus(name, tmp_path)
    assert corpus.name == name
    with pytest.raises(CorpusError):
        corpus.notes("test")


def test_an_unknown_corpus_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="unknown corpus other: expected one of codiesp, mimic-iii-full"):
        open_corpus("other", tmp_path)
    with pytest.raises(CorpusError, match="not a folder"):
        open_corpus("codiesp", tmp_path / "nowhere")
