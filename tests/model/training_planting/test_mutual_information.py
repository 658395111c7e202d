from __future__ import annotations

import math

import numpy as np
import pytest

from model.training.planting.mutual_information import Counts, count_words, mutual_information


def slow_information(notes: list[Counts], word: str, code: str, smoothing: float) -> float:
    """The definition: probabilities of the four events, one by one."""
    total = len(notes) + 4 * smoothing
    found = 0.0
    for w in (True, False):
        for c in (True, False):
            joint = (sum((word in n.words) is w and (code in n.codes) is c for n in notes) + smoothing) / total
            has_word = (sum((word in n.words) is w for n in notes) + 2 * smoothing) / total
            has_code = (sum((code in n.codes) is c for n in notes) + 2 * smoothing) / total
            found += joint * math.log(joint / (has_word * has_code))
    return found


def random_notes(seed: int, count: int = 30) -> list[Counts]:
    rng = np.random.default_rng(seed)
    return [
        Counts(
            frozenset(f"w{i}" for i in range(12) if rng.random() < 0.3),
            frozenset(f"c{i}" for i in range(5) if rng.random() < 0.2),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_words_of_codes_are_those_of_the_definition(seed: int) -> None:
    notes = random_notes(seed)
    counted = count_words(notes, keep=4, least=3, smoothing=0.5)
    for place, code in enumerate(counted.codes.words):
        having = [n for n in notes if code in n.codes]
        telling = {
            word: slow_information(notes, word, code, 0.5)
            for word in {word for n in notes for word in n.words}
            if sum(word in n.words for n in notes) >= 3
            and sum(word in n.words for n in having) * len(notes) > sum(word in n.words for n in notes) * len(having)
        }
        best = sorted(telling, key=lambda word: (-telling[word], word))[:4]
        words, values = counted.of(place)
        assert [telling[counted.words.words[w]] for w in words] == pytest.approx([telling[word] for word in best])
        assert values.tolist() == pytest.approx([telling[word] / telling[best[0]] for word in best], rel=1e-5)


def test_of_a_word_that_says_nothing_it_is_zero() -> None:
    found = mutual_information(np.array([5.0]), np.array([10.0]), 50.0, 100, smoothing=0.0 + 1e-12)
    assert found[0] == pytest.approx(0.0, abs=1e-9)


def test_of_a_word_that_says_everything_it_is_the_entropy_of_the_code() -> None:
    found = mutual_information(np.array([25.0]), np.array([25.0]), 25.0, 100, smoothing=1e-12)
    assert found[0] == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_words_whose_absence_tells_and_seldom_words_are_left_out() -> None:
    with_code = [Counts(frozenset({"often"}), frozenset({"c"}))] * 6
    others = [Counts(frozenset({"never", "often"}), frozenset())] * 6 + [
        Counts(frozenset({"once", ""}), frozenset({"c"}))
    ]
    assert count_words(with_code + others).words.words == ()
    told = count_words([*with_code, Counts(frozenset(), frozenset()), *[Counts(frozenset({"x"}), frozenset())] * 3])
    assert told.words.words == ("often",)


def test_no_notes_give_an_empty_table() -> None:
    counted = count_words([])
    assert len(counted.codes) == len(counted.words) == len(counted.table.words) == 0
    assert counted.table.rows.tolist() == [0]
