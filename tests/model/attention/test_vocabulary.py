from __future__ import annotations

import numpy as np
import pytest

from model.attention.vocabulary import Vocabulary, stem, token_words


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Fevers", "fever"),
        ("masses", "mass"),
        ("biopsies", "biopsi"),
        ("mass", "mass"),
        ("s", "s"),
        ("Ménière", "meniere"),
    ],
)
def test_stem_is_porter_step_1a_on_plain_letters(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_every_piece_of_a_word_carries_the_whole_word() -> None:
    text = "Acute pneumonias, COPD."
    pieces = np.array([(0, 5), (6, 10), (10, 16), (16, 17), (18, 22), (22, 23)])
    assert token_words(text, pieces) == ["acute", "pneumonia", "pneumonia", "", "copd", ""]


def test_a_text_without_words_names_none() -> None:
    assert token_words("--", np.array([(0, 1), (1, 2)])) == ["", ""]
    assert token_words("", np.zeros((0, 2), dtype=np.int64)) == []


def test_unknown_words_have_the_id_minus_one() -> None:
    assert Vocabulary(["gout", "rash"]).ids(["rash", "", "gout", "cough"]).tolist() == [1, -1, 0, -1]


def test_a_word_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(["gout", "gout"])
