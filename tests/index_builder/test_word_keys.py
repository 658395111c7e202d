"""Keys of wordings."""

from __future__ import annotations

import numpy as np
import pytest

from index_builder.word_keys import text_key, word_keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fracture of the left hip", "hip fractures"),
        ("Alzheimer's disease", "ALZHEIMER DISEASE"),
        ("allergies", "Allergy"),
        ("Pneumonia, unspecified", "pneumonia"),
    ],
)
def test_order_case_number_and_silent_words_do_not_matter(one: str, other: str) -> None:
    assert text_key(one) == text_key(other) != 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hyperthyroidism", "hypertension"),
        ("diabetes", "diabetes insipidus"),
        ("pain pain", "pain"),
        ("abscess", "abscesse"),
        ("gas", "ga"),
    ],
)
def test_other_words_have_another_key(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)


def test_the_key_of_a_run_is_the_difference_of_running_sums() -> None:
    words = ["acute", "kidney", "failure", "of", "the", "transplant"]
    sums = np.cumsum(np.concatenate([[np.uint64(0)], word_keys(words)]), dtype=np.uint64)
    assert int(sums[3] - sums[1]) == text_key("kidney failure")
    assert word_keys(["of", "The"]).tolist() == [0, 0] and text_key("of the") == 0
