"""What a note names word for word, against a slow direct search over word lists."""

from __future__ import annotations

import numpy as np
import pytest

from app.pipeline.families import Families
from app.pipeline.naming import NEARER, Namer, Names
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from app.pipeline.spans import Segmented
from index_builder.catalog import Catalog
from tests.app.pipeline.named_set import WORDINGS


def cut(*texts: str) -> Segmented:
    return segment(Note(tuple(Document(text) for text in texts)))


def found(catalog: Catalog, *texts: str) -> dict[str, set[str]]:
    """What is named, and the codes of each name."""
    note, families = cut(*texts), Families(catalog.code_names)
    names = Namer(catalog, families).names(note)
    named: dict[str, set[str]] = {}
    for code in catalog.code_names:
        for row in names.of(int(families.of(np.array([catalog.position(code)]))[0])).tolist():
            sentence = note.sentences[names.sentences[row]]
            text = note.note.documents[sentence.document].text[names.starts[row] : names.ends[row]]
            named.setdefault(text, set()).add(code)
    return named


def test_the_words_around_a_name_do_not_matter(named_catalog: Catalog) -> None:
    assert found(named_catalog, "She carries a diagnosis of quite severe pneumonia that bothers her.") == {
        "pneumonia": {"J18.9"}
    }


def test_a_longer_name_hides_the_shorter_one_in_it_and_only_there(named_catalog: Catalog) -> None:
    assert found(named_catalog, "Aspiration pneumonia last year.") == {"Aspiration pneumonia": {"J69.0"}}
    assert found(named_catalog, "Diabetes insipidus.", "Pneumonia; diabetes.") == {
        "Diabetes insipidus": {"E23.2"},
        "Pneumonia": {"J18.9"},
        "diabetes": {"E11.9"},
    }


def test_order_number_case_and_side_do_not_matter(named_catalog: Catalog) -> None:
    both = {"M17.11", "M17.12"}
    assert found(named_catalog, "LEFT KNEE OSTEOARTHRITIS") == {"KNEE OSTEOARTHRITIS": both}
    assert found(named_catalog, "osteoarthritis of both knees") == {"osteoarthritis of both knees": both}
    assert found(named_catalog, "pneumonia from aspiration of foods") == {
        "pneumonia from aspiration of foods": {"J69.0"}
    }


def test_a_family_shares_its_names(named_catalog: Catalog) -> None:
    assert found(named_catalog, "Hip fracture.") == {"Hip fracture": {"S72.001A", "S72.001D"}}


def test_a_name_does_not_cross_the_end_of_a_sentence(named_catalog: Catalog) -> None:
    assert found(named_catalog, "Concern is aspiration. Pneumonia was treated.") == {"Pneumonia": {"J18.9"}}


def test_a_name_knows_its_share_of_the_clause_and_its_namesakes(named_catalog: Catalog) -> None:
    names = Namer(named_catalog, Families(named_catalog.code_names)).names(
        cut("Cough, necrotizing pneumonia, knee osteoarthritis.")
    )
    rows = sorted(
        zip(names.starts.tolist(), names.words.tolist(), names.shares.tolist(), names.shared.tolist(), strict=True)
    )
    assert [row[1:] for row in rows] == [(1, 1.0, 1), (1, 0.5, 1), (2, 1.0, 2)]


def test_what_is_named_is_nearer_on_top_of_what_was_known(named_catalog: Catalog) -> None:
    families = Families(named_catalog.code_names)
    namer = Namer(named_catalog, families)
    named = np.array([name.startswith("S72") for name in named_catalog.code_names])
    names = namer.names(cut("hip fracture"))
    nearer = namer.nearer(names, None)
    assert nearer is not None and nearer.tolist() == pytest.approx((NEARER * named).tolist())
    known = np.arange(len(named), dtype=np.float32)
    again = namer.nearer(names, known)
    assert again is not None and again.tolist() == pytest.approx((known + NEARER * named).tolist())
    nothing = namer.names(cut("No complaints."))
    assert namer.nearer(nothing, None) is None and namer.nearer(nothing, known) is known


def slow(words: list[str], wordings: set[frozenset[str]]) -> list[tuple[int, int]]:
    runs = [(i, j) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
    named = [
        run
        for run in runs
        if frozenset(words[slice(*run)]) in wordings and len(set(words[slice(*run)])) == run[1] - run[0]
    ]
    return [(a, b) for a, b in named if not any(c <= a and b <= d and d - c > b - a for c, d in named)]


@pytest.mark.parametrize("seed", range(20))
def test_names_are_the_longest_runs_that_are_wordings(named_catalog: Catalog, seed: int) -> None:
    random = np.random.default_rng(seed)
    vocabulary = [
        "diabetes",
        "insipidus",
        "pneumonia",
        "aspiration",
        "food",
        "knee",
        "osteoarthritis",
        "cough",
        "hip",
        "fracture",
    ]
    words = random.choice(vocabulary, size=12).tolist()
    text = " ".join(words)
    silent = {"of", "the", "right", "left", "unspecified", "due", "to"}
    told = [text.lower().replace(",", "").split() for texts in WORDINGS.values() for text in texts]
    wordings = {frozenset(word for word in words if word not in silent) for words in told}
    names: Names = Namer(named_catalog, Families(named_catalog.code_names)).names(cut(text))
    starts = [len(" ".join(words[:at])) + (at > 0) for at in range(len(words))]
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    expected = sorted((starts[a], ends[b - 1]) for a, b in slow(words, wordings))
    assert sorted(zip(names.starts.tolist(), names.ends.tolist(), strict=True)) == expected


def test_the_share_is_that_of_the_shortest_clause_in_a_long_sentence_too(named_catalog: Catalog) -> None:
    note = cut(", ".join(["severe pneumonia", "cough"] * 300))
    names = Namer(named_catalog, Families(named_catalog.code_names)).names(note)
    slow = []
    for start, end in zip(names.starts.tolist(), names.ends.tolist(), strict=True):
        around = [note.text_of(c) for c in note.clauses if c.start <= start and end <= c.end]
        slow.append(1 / len(min(around, key=len).split()))
    assert names.shares.tolist() == pytest.approx(slow) and len(slow) == 600
