"""Which wordings are known, tuned on and asked, and what level they stand on."""

from __future__ import annotations

import numpy as np
import pytest

from app.evaluation.errors import EvaluationError
from app.evaluation.mrl.levels import LEVELS, at_level, chapter
from app.evaluation.mrl.sample import draw, select
from index_builder.codesets.icd10cm import ICD10CM
from index_builder.codesets.protocol import FormSource
from index_builder.index import CodeIndex


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("A00.0", "infections"),
        ("B99", "infections"),
        ("D49.9", "neoplasms"),
        ("D50", "blood and immune"),
        ("H59.89", "eye"),
        ("H60.00", "ear"),
        ("I10", "circulatory"),
        ("J18.9", "respiratory"),
        ("O9A.11", "pregnancy and childbirth"),
        ("T88.9XXA", "injury and poisoning"),
        ("U07.1", "special purposes"),
        ("Y99.8", "external causes"),
        ("Z99.89", "health status and contacts"),
    ],
)
def test_a_code_is_in_its_chapter(code: str, expected: str) -> None:
    assert chapter(code) == expected


def test_every_code_of_the_code_set_has_a_chapter() -> None:
    assert len({chapter(code.code) for code in ICD10CM().codes()}) == 22


@pytest.mark.parametrize("code", ["401.9", "0DTJ4ZZ"])
def test_codes_of_other_code_sets_have_none(code: str) -> None:
    with pytest.raises(EvaluationError, match="no chapter"):
        chapter(code)


def test_levels_go_from_the_chapter_to_the_code() -> None:
    assert [at_level("J18.9", level) for level in LEVELS] == ["respiratory", "J18", "J18.9"]


def test_a_sample_is_whole_categories_and_repeats_itself(index: CodeIndex) -> None:
    sample, same = draw(index.catalog, 100, 0), draw(index.catalog, 100, 0)
    assert (sample.rows == same.rows).all() and (sample.asked == same.asked).all()
    assert len(sample.rows) <= 100 and len(sample.rows) % 16 == 0
    assert set(draw(index.catalog, 100, 1).rows.tolist()) != set(sample.rows.tolist())
    assert len(draw(index.catalog, 0, 0).rows) == index.catalog.form_count


def test_asked_wordings_are_no_titles_and_stand_nowhere_else(index: CodeIndex) -> None:
    sample = draw(index.catalog, 0, 0)
    parts = (sample.known, sample.held_out, sample.asked)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(sample.rows)))
    known = {sample.forms[row].text for row in sample.known.tolist()}
    for row in [*sample.asked.tolist(), *sample.held_out.tolist()]:
        assert sample.forms[row].source is not FormSource.TITLE
        assert sample.forms[row].text not in known
    assert len(set(sample.codes(sample.asked)) | set(sample.codes(sample.held_out))) == 57
    for level in LEVELS:
        names = [sample.names[level][label] for label in sample.labels[level].tolist()]
        assert names == [at_level(form.code, level) for form in sample.forms]


def test_too_few_wordings_are_refused(index: CodeIndex) -> None:
    with pytest.raises(EvaluationError, match="draw more"):
        select(index.catalog.forms(), lambda code: code == "J12", 0)
