"""The columns of what a note names, against what its words say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.pipeline.encoding import EncodedNote, Tokens
from app.pipeline.families import Families
from app.pipeline.named import NAMED, named
from app.pipeline.naming import Namer
from app.pipeline.note import Document, Note
from app.pipeline.segment import segment
from app.pipeline.words import Run
from index_builder.catalog import Catalog
from index_builder.hits import CodeHits
from model.encoder import TokenStates


def encoded(text: str) -> EncodedNote:
    cut = segment(Note((Document(text),)))
    count = len(cut.clauses)
    nothing = TokenStates(
        np.zeros((0, 4), dtype=np.float32), np.zeros((0, 2), dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    )
    places = tuple(Tokens(0, 0, 0) for _ in cut.clauses)
    return EncodedNote(
        cut, np.zeros((count, 4), dtype=np.float32), tuple((clause,) for clause in cut.clauses), places, nothing
    )


def read(catalog: Catalog, text: str, wanted: dict[str, str]) -> dict[str, dict[str, float]]:
    """The columns of codes that were read from these words of the note."""
    note, families = encoded(text), Families(catalog.code_names)
    positions = np.array([catalog.position(code) for code in wanted], dtype=np.int64)
    spans, runs = [], []
    for words in wanted.values():
        start = text.index(words)
        query = next(
            q for q, (clause,) in enumerate(note.uses) if clause.start <= start and start + len(words) <= clause.end
        )
        spans.append(query)
        begin = start - note.uses[query][0].start
        runs.append(Run(begin, begin + len(words), 1.0))
    zeros = np.zeros(len(positions))
    hits = CodeHits(positions, zeros.astype(np.float32), np.array(spans), zeros.astype(np.int64))
    names = Namer(catalog, families).names(note.segmented)
    columns = named(note, hits, runs, names, families)
    assert tuple(columns) == NAMED
    return {code: {name: columns[name][row] for name in NAMED} for row, code in enumerate(wanted)}


def test_a_code_that_is_named_and_one_whose_words_name_another(named_catalog: Catalog) -> None:
    text = "ASSESSMENT:\n1. Quite severe aspiration pneumonia."
    found = read(named_catalog, text, {"J69.0": "aspiration pneumonia", "J18.9": "pneumonia", "R05.9": "severe"})
    assert found["J69.0"] == {
        "named": pytest.approx(math.log2(3)),
        "named_share": 0.5,  # two of the four words of its clause
        "named_alike": 0.0,
        "named_assessed": 1.0,
        "outnamed": 0.0,
    }
    assert found["J18.9"] == {**dict.fromkeys(NAMED, 0.0), "outnamed": pytest.approx(math.log2(3))}
    assert found["R05.9"] == dict.fromkeys(NAMED, 0.0)


def test_a_name_counts_wherever_it_stands_and_families_that_share_it_are_counted(named_catalog: Catalog) -> None:
    text = "HPI: Sore knees for years.\nASSESSMENT:\n1. Knee osteoarthritis on films."
    found = read(named_catalog, text, {"M17.11": "Sore knees"})["M17.11"]
    assert found["named"] == pytest.approx(math.log2(3)) and found["named_alike"] == 1.0
    assert found["named_assessed"] == 1.0 and found["outnamed"] == 0.0
    elsewhere = read(named_catalog, "HPI: Cough.\nASSESSMENT: Fine.", {"R05.9": "Cough"})["R05.9"]
    assert elsewhere["named_assessed"] == 0.0
    unassessed = read(named_catalog, "HPI: Cough.", {"R05.9": "Cough"})["R05.9"]
    assert unassessed["named_assessed"] == 0.5
