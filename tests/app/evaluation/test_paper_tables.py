from __future__ import annotations

import numpy as np
import pytest

from app.evaluation import paper_tables
from app.evaluation.corpora import NAMES

LABELS = ["A", "B", "C", "D"]
SCORES = np.array([[0.9, 0.8, 0.2, 0.1], [0.3, 0.7, 0.6, 0.4]])
GOLD = np.array([[True, False, True, False], [False, True, True, False]])
THRESHOLD = 0.5


def both(corpus: str) -> list[dict[str, float]]:
    """The same scores as a matrix and as complete rankings."""
    orders = np.argsort(-SCORES, axis=1)
    rankings = [[LABELS[place] for place in order] for order in orders]
    values = [SCORES[row, order].tolist() for row, order in enumerate(orders)]
    sets = [{LABELS[place] for place in np.flatnonzero(row)} for row in GOLD]
    return [
        paper_tables.from_matrix(corpus, SCORES, GOLD, THRESHOLD),
        paper_tables.from_rankings(corpus, rankings, values, sets, set(LABELS), THRESHOLD),
    ]


def test_camls_columns_by_hand() -> None:
    for found in both("mimic-iii-full"):
        assert found == pytest.approx(
            {
                "AUC macro": (1 + 0) / 2,  # A and B have both classes
                "AUC micro": 11 / 16,  # pairs won: .9 four, .2 one, .7 three, .6 three
                "F1 macro (CAML)": 2 * 0.625 * 0.625 / 1.25,  # precision 1, 1/2, 1, 0; recall 1, 1, 1/2, 0
                "F1 micro": 2 * 3 / (4 + 4),
                "P@5": 2 / 5,
                "P@8": 2 / 8,
                "P@15": 2 / 15,
            }
        )


def test_edins_columns_by_hand() -> None:
    for found in both("mimic-iv-icd10"):
        assert found["F1 macro (per label)"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
        assert found["EMR"] == 0.5
        assert found["R-precision"] == pytest.approx((1 / 2 + 1) / 2)
        assert found["MAP"] == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)


def test_the_columns_of_extreme_classification_by_hand() -> None:
    for found in both("eurlex-4k"):
        third = (1 + 1 / 2) / (1 + 1 / np.log2(3))
        assert found == pytest.approx(
            {"P@1": 1.0, "P@3": 2 / 3, "P@5": 2 / 5, "nDCG@3": (third + 1) / 2, "nDCG@5": (third + 1) / 2}
        )


@pytest.mark.parametrize("corpus", NAMES)
def test_every_corpus_has_its_columns_in_their_order(corpus: str) -> None:
    for found in both(corpus):
        assert tuple(found) == paper_tables.COLUMNS[corpus]


def test_an_unknown_corpus_is_refused() -> None:
    with pytest.raises(KeyError):
        paper_tables.from_matrix("other", SCORES, GOLD, THRESHOLD)
