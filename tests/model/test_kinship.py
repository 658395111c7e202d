"""Which codes a wording means, which are near, and how both reach a batch."""

from __future__ import annotations

import numpy as np
import pytest

from model.training.kinship import Kinship
from model.training.pairs import Clause, Pair, Term, not_negatives
from model.training.sampling import PairSampler
from model.training.text import Text


def _title(code: str, text: str, extension: str = "") -> Term:
    pieces = (text, extension) if extension else (text,)
    return Term(code, pieces, ", ".join(pieces), title=True)


def _term(code: str, text: str, side: str = "") -> Term:
    pieces = (text, side) if side else (text,)
    return Term(code, pieces, ", ".join(pieces), title=False)


HEADER = _title("I82.44", "Embolism of tibial vein")
RIGHT = _title("I82.441", "Embolism of right tibial vein")
LEFT = _title("I82.442", "Embolism of left tibial vein")
VAGUE = _title("I82.449", "Embolism of unspecified tibial vein")
SIDED = _term("I82.441", "tibial vein clot", "right")
SIDELESS = _term("I82.449", "tibial vein clot")
NERVE = [
    _title("S04.2", "Injury of trochlear nerve"),
    _title("S04.20", "Injury of trochlear nerve, unspecified side"),
    _title("S04.20XA", "Injury of trochlear nerve, unspecified side", "initial encounter"),
    _title("S04.22", "Injury of trochlear nerve, left side"),
    _title("S04.22XA", "Injury of trochlear nerve, left side", "initial encounter"),
    _title("S04.22XS", "Injury of trochlear nerve, left side", "sequela"),
]
TERMS = [HEADER, RIGHT, LEFT, VAGUE, SIDED, SIDELESS, *NERVE, _title("R05", "Cough"), _term("R09.8", "cough")]


@pytest.fixture(scope="module")
def kinship() -> Kinship:
    return Kinship(TERMS)


def test_a_side_is_not_its_header(kinship: Kinship) -> None:
    assert kinship.alike(RIGHT) == kinship.alike(SIDED) == {"I82.441"}
    assert kinship.near("I82.441") == ("I82.44", "I82.442", "I82.449")


def test_a_header_means_its_unspecified_code_and_neither_side(kinship: Kinship) -> None:
    assert kinship.alike(HEADER) == kinship.alike(SIDELESS) == {"I82.44", "I82.449"}
    assert kinship.near("I82.449") == ("I82.441", "I82.442")


def test_the_7th_character_is_no_difference(kinship: Kinship) -> None:
    assert kinship.alike(NERVE[4]) == {"S04.22", "S04.22XA", "S04.22XS"}
    assert kinship.near("S04.22XS") == kinship.near("S04.22") == ("S04.2", "S04.20")
    assert {"S04.2", "S04.20", "S04.20XA"} == kinship.alike(NERVE[0])


def test_a_wording_of_two_codes_means_both(kinship: Kinship) -> None:
    assert kinship.alike(TERMS[-1]) == {"R05", "R09.8"}


def test_only_what_is_meant_leaves_the_denominator(kinship: Kinship) -> None:
    pairs = [Pair(t.code, (f"query {i}",), t.pieces, alike=kinship.alike(t)) for i, t in enumerate((HEADER, RIGHT))]
    pairs += [Pair("I82.449", ("vein clot",), VAGUE.pieces, alike=kinship.alike(VAGUE))]
    assert not_negatives(pairs).tolist() == [[False, False, True], [False] * 3, [True, False, False]]
    unknown = [Pair(p.code, p.query, p.target) for p in pairs]  # what a clause of a note leaves open
    assert np.array_equal(not_negatives(unknown)[0], [False, True, True])


def test_groups_hold_kin_and_what_a_wording_was_mistaken_for(kinship: Kinship) -> None:
    mistaken = {(term.code, term.wording): (("R05", ("hacking cough",)),) for term in TERMS}
    sampler = PairSampler(
        TERMS, [], seed=0, clause_share=0.0, kinship=kinship, near_share=0.5, mistaken=mistaken, mistake_share=0.5
    )
    near, coughs = 0, list[Text]()
    for _ in range(60):
        first, *others = sampler.batch(4)
        group = [other.code for other in others]
        if first.code.startswith("I82"):
            assert "R05" in group or set(group) & set(kinship.near(first.code)) or len(set(group)) < 3
            near += bool(set(group) & set(kinship.near(first.code)))
        assert first.alike is not None
        coughs += [other.target for other in others if other.code == "R05"]
    assert near > 5 and ("hacking cough",) in coughs


def test_targets_are_titles_as_often_as_asked(kinship: Kinship) -> None:
    titles = {term.pieces for term in TERMS if term.title}
    sampler = PairSampler(TERMS, [Clause("R05", "hacking")], seed=0, clause_share=0.25, title_share=1.0)
    with_title = [p for p in sampler.batch(200) if p.code not in ("R09.8",)]
    assert all(p.target in titles for p in with_title)
