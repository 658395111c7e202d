"""Mistakes on the tables, against a slow search over the same vectors."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.training import confusions as module
from model.training.confusions import confusions
from model.training.kinship import Kinship
from model.training.pairs import Term
from model.training.text import Text

TERMS = [
    Term(
        f"{letter}{number:02d}.{leaf}",
        (f"{letter} {number} {leaf} {form}",),
        f"{letter} {number} {leaf} {form}",
        not form,
    )
    for letter in "AB"
    for number in range(6)
    for leaf in range(3)
    for form in range(3)
] + [Term("T40.1", ("poisoning by b",), "poisoning by b", title=False, weight=0.03)]


def _embed(texts: Sequence[Text]) -> Tensor:
    rows = []
    for text in texts:
        words = str(text[0])
        shared, own = (torch.Generator().manual_seed(crc32(key.encode())) for key in (words[:-2], words))
        rows.append(torch.randn(768, generator=shared) + torch.randn(768, generator=own))
    return torch.stack(rows)


def test_mistakes_are_the_nearest_codes_that_are_not_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 7)
    monkeypatch.setattr(module, "_BLOCK", 5)
    kinship = Kinship(TERMS)
    told: list[tuple[str, int, int]] = []
    found = confusions(TERMS, kinship, _embed, lambda *said: told.append(said), queries=1000, each=3)
    searched = [term for term in TERMS if term.weight >= module.LEAST_WEIGHT]
    vectors = functional.normalize(_embed([t.pieces for t in searched])[:, : module.WIDTH], dim=-1)
    assert found.keys() == {(t.code, t.wording) for t in searched if not t.title}
    for term, scores in zip(searched, vectors @ vectors.T, strict=True):
        if term.title:
            continue
        order = scores.argsort(descending=True)[: module._NEIGHBOURS].tolist()
        near = [searched[at] for at in order if scores[at] < module.SAME]
        wrong = {one.code: one.pieces for one in reversed(near) if one.code not in kinship.alike(term)}
        codes = [code for code in dict.fromkeys(one.code for one in near) if code in wrong]
        assert found[term.code, term.wording] == tuple((code, wrong[code]) for code in codes[:3])
    assert {stage for stage, done, total in told if done == total} == {"encoding wordings", "searching mistakes"}


def test_some_wordings_are_asked_the_same_ones_for_a_seed() -> None:
    kinship = Kinship(TERMS)
    one, again, other = (
        confusions(TERMS, kinship, _embed, lambda *_: None, queries=5, seed=seed).keys() for seed in (1, 1, 2)
    )
    assert one == again != other and len(one) == 5
