"""The probe of held-out terms, and the pictures of a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from model.training.pairs import Term
from model.training.plots import draw
from model.training.probe import Probe, hold_out
from model.training.text import Text


def test_recall_counts_titles_that_are_nearer() -> None:
    vectors = {
        ("ache",): [1.0, 0.0, 0.0, 0.2],
        ("pain",): [0.9, 0.1, 0.0, 0.0],
        ("fever",): [1.0, 0.0, 0.1, 0.0],
        ("cough",): [0.0, 1.0, 0.0, 0.3],
    }

    def embed(texts: Sequence[Text]) -> torch.Tensor:
        return torch.tensor([vectors[text] for text in texts])  # type: ignore[index]

    probe = Probe((("ache",), ("ache",)), (("pain",), ("fever",), ("cough",)), (0, 1), top=1)
    assert probe.measure(embed, (2, 4), chunk=2) == {2: 0.5, 4: 0.5}
    assert Probe(probe.queries, probe.titles, (2, 2), top=2).measure(embed, (2,)) == {2: 0.0}
    assert Probe(probe.queries, probe.titles, (2, 0), top=3).measure(embed, (4,)) == {4: 1.0}


def test_held_out_wordings_leave_the_terms_under_every_code() -> None:
    terms = [Term(code, (f"title {code}",), f"title {code}", True) for code in ("A00", "B00", "C00")]
    words = [Term("A00", ("shared",), "Shared", False), Term("B00", ("shared",), "shared", False)]
    rare = Term("C00", ("drug",), "drug", False, weight=0.1)
    probe, kept = hold_out([*terms, *words, rare], queries=1, titles=2, seed=0)
    assert kept == [*terms, rare]
    assert probe.queries == (("shared",),) and len(probe.titles) == 2
    assert probe.titles[probe.right[0]] in (("title A00",), ("title B00",))
    with pytest.raises(ValueError, match="held out"):
        hold_out([*terms, rare], queries=1, titles=2, seed=0)


def test_logs_are_drawn_and_repeated_steps_count_once(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert draw(tmp_path) == []
    lines = [{"step": s, "loss": 5 - s, "losses": {"64": 2 - s, "768": 1.0}} for s in (1, 2, 2, 3)]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "dev.jsonl").write_text(json.dumps({"step": 2, "recall@20": {"64": 0.5}}))
    assert draw(tmp_path) == [tmp_path / "loss.png", tmp_path / "dev.png"]
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    from model.training import plots

    assert [step for step, _ in plots._series(plots._lines(tmp_path / "train.jsonl"))["weighted sum"]] == [1, 2, 3]
