"""Names and definitions of diseases that nobody coded."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from app.evaluation.errors import CorpusError
from app.training.names import MARK, name_terms
from app.training.terms import held_out_wordings, training_terms
from model.training.pairs import Term
from model.training.sampling import PairSampler
from tests.app.fakes import FewCodes

ROWS: list[dict[str, object]] = [
    {
        "focus": "Farcy",
        "synonyms": ["Equinia", "Malleus", "GLND1"],
        "qtype": "information",
        "answer": "Summary : Farcy is an infection that people catch from horses. It is rare.",
    },
    {"focus": "farcy", "synonyms": ["Skin glanders"], "qtype": "treatment", "answer": "Antibiotics."},
    {"focus": "Choosing a doctor", "synonyms": None, "qtype": "information", "answer": "We all want it."},
    {"focus": "", "synonyms": [], "qtype": "information", "answer": "Of no one disease."},
]


def _written(folder: Path, rows: list[dict[str, object]], name: str = "names.jsonl") -> Path:
    file = folder / name
    text = "".join(json.dumps(row) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


@pytest.mark.parametrize("name", ["names.jsonl", "names.jsonl.gz"])
def test_names_and_a_definition_of_one_disease_are_wordings_of_one_another(tmp_path: Path, name: str) -> None:
    terms = name_terms(_written(tmp_path, ROWS, name))
    farcy = [term for term in terms if term.code == MARK + "farcy"]
    assert {term.wording for term in farcy} == {
        "Farcy",
        "Equinia",
        "Malleus",
        "Skin glanders",
        "Farcy is an infection that people catch from horses",
    }
    assert [term.wording for term in farcy if term.title] == ["Farcy"]
    assert "GLND1" not in {term.wording for term in terms}


def test_a_disease_with_one_name_teaches_nothing(tmp_path: Path) -> None:
    assert name_terms(_written(tmp_path, [{"focus": "Farcy", "synonyms": ["FARCY"]}])) == []


def test_held_out_wordings_come_in_by_no_other_source(tmp_path: Path) -> None:
    terms = name_terms(_written(tmp_path, ROWS), without={"malleus", "equinia"})
    assert {"Malleus", "Equinia"}.isdisjoint(term.wording for term in terms)


def test_what_is_held_out_is_what_training_leaves_out() -> None:
    every = {term.wording.casefold() for term in training_terms(FewCodes(), 0.0, 0)}
    for seed in range(4):
        kept = {term.wording.casefold() for term in training_terms(FewCodes(), 0.5, seed)}
        assert every - kept <= held_out_wordings(FewCodes(), 0.5, seed)
    assert held_out_wordings(FewCodes(), 0.0, 0) == frozenset()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]\n", "line 1: expected a JSON object"),
        ("{\n", "not JSON lines"),
        ('{"synonyms": "a"}\n', "line 1: synonyms"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "names.jsonl"
    file.write_text(text)
    with pytest.raises(CorpusError, match=said):
        name_terms(file)


def test_the_bare_share_of_wordings_stands_in_no_template() -> None:
    terms = [Term(code, (words,), words, True) for code, words in (("A24.0", "glanders"), ("I10", "hypertension"))]

    def bare(share: float) -> int:
        sampler = PairSampler(terms, [], seed=1, clause_share=0.0, bare_share=share)
        queries = [str(pair.query[0]) for _ in range(50) for pair in sampler.batch(4)]
        return sum(query in ("glanders", "hypertension") for query in queries)

    assert bare(1.0) == 200
    assert bare(0.0) < 40
    assert 90 < bare(0.6) < 160


def test_no_share_leaves_the_draws_of_earlier_runs_as_they_were() -> None:
    terms = [Term("A24.0", ("glanders",), "glanders", True)]
    first = PairSampler(terms, [], seed=5, clause_share=0.0).batch(8)
    assert first == PairSampler(terms, [], seed=5, clause_share=0.0, bare_share=0.0).batch(8)
