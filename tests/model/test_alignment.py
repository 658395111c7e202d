"""Sentences aligned by length, words by IBM Model 1: marked words are found in the translation."""

from __future__ import annotations

import pytest

from model.training.alignment import WordAligner, align_sentences, sentences, words

SPANISH = "El perro come. La casa roja. El gato duerme. La casa grande."
ENGLISH = "The dog eats. The red house. The cat sleeps. The big house."
MORE = align_sentences("Casa. Roja. Grande. Casa vieja.", "House. Red. Big. Old house.")


def test_words_keep_their_offsets_in_the_whole_text() -> None:
    text = "¿Niega fiebre? Sí, ayer."
    found = words(text, 15)
    assert [text[w.start : w.end] for w in found] == ["Sí", "ayer"]
    assert [w.stem for w in words("FRACTURAS fractura")] == ["fract", "fract"]


def test_sentences_end_at_stops_and_lines_but_not_inside_numbers() -> None:
    text = "Fiebre de 38.5 grados. Tos\n\nDisnea! ¿Dolor? no"
    assert [text[a:b].strip() for a, b in sentences(text)] == ["Fiebre de 38.5 grados.", "Tos", "Disnea!", "¿Dolor? no"]


def test_equal_numbers_of_like_sentences_are_paired_in_order() -> None:
    beads = align_sentences(SPANISH, ENGLISH)
    assert [(b.source[-1].stem, b.target[-1].stem) for b in beads] == [
        ("come", "eats"),
        ("roja", "house"),
        ("duerm", "sleep"),
        ("grand", "house"),
    ]


def test_a_sentence_split_in_two_is_one_bead() -> None:
    source = "Una frase larga que cuenta muchas cosas del enfermo y de su familia. Fin."
    target = "One long sentence that tells many things. It is about the patient and the family. End."
    beads = align_sentences(source, target)
    assert len(beads) == 2
    assert (beads[0].target[0].stem, beads[0].target[-1].stem, beads[1].target[0].stem) == ("one", "famil", "end")


def test_no_bead_without_text_on_both_sides() -> None:
    assert align_sentences("", "") == [] and align_sentences("Algo.", "") == []


@pytest.mark.parametrize(
    ("marked", "expected"), [("casa", "house"), ("gato", "cat"), ("duerme", "sleeps"), ("perro", "dog")]
)
def test_marked_words_are_found_although_the_order_differs(marked: str, expected: str) -> None:
    """Adjective and noun change places: what is said of the noun elsewhere outweighs the diagonal."""
    beads = align_sentences(SPANISH, ENGLISH)
    aligner = WordAligner([*beads, *MORE])
    start = SPANISH.index(marked)
    bead = next(b for b in beads if b.source[0].start <= start < b.source[-1].end)
    found = aligner.project(bead, [(start, start + len(marked))])
    assert found is not None
    assert ENGLISH[slice(*found)] == expected


def test_expectation_maximisation_outweighs_the_diagonal() -> None:
    bead = align_sentences(SPANISH, ENGLISH)[1]  # La casa roja / The red house
    beads = [*align_sentences(SPANISH, ENGLISH), *MORE]
    red, house = ([WordAligner(beads, n)._weight(bead, 1, j) for n in (1, 5)] for j in (1, 2))  # of casa
    assert red[0] > house[0] and house[1] > red[1]
    assert house[1] > house[0]


def test_what_nobody_marked_or_nothing_renders_has_no_place() -> None:
    beads = align_sentences(SPANISH, ENGLISH)
    aligner = WordAligner(beads)
    assert aligner.project(beads[0], [(500, 510)]) is None
    assert aligner.project(beads[0], [(0, 2)], least=1.0) is None
