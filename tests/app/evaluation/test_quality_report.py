"""The quality report keeps a section per evaluation, with its command, and replaces only its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.evaluation.errors import EvaluationError
from app.evaluation.quality_report import add_section, tell


def terms(seed: int, recall: float) -> dict[str, Any]:
    strict = {"R@1 strict": 0.3, "R@10 strict": 0.6, "MAP strict": 0.4}
    figures = {"64": {"R@1": recall, "R@10": 0.8, "MAP": float("nan"), **strict}}
    return {
        "parameters": {"corpus": "terms", "split": f"seed {seed}"},
        "terms": {
            "queries": 9,
            "held_out_categories": 3,
            "seed": seed,
            "prefixes": figures,
            "alone": {"R@1": 0.9},
            "sources": {},
        },
    }


def test_sections_are_kept_and_replaced_by_name(tmp_path: Path) -> None:
    path = tmp_path / "quality.md"
    add_section(terms(0, 0.5), ["evaluate", "--corpus", "terms"], path)
    add_section(terms(1, 0.6), ["evaluate", "--corpus", "terms", "--seed", "1"], path)
    add_section(terms(0, 0.7), ["evaluate", "--corpus", "terms"], path)
    text = path.read_text(encoding="utf-8")
    assert text.count("## terms, seed 0") == text.count("## terms, seed 1") == 1
    assert "| 64 | 0.7000 | 0.8000 | - |" in text and "| 64 | 0.6000 |" in text and "0.5000" not in text
    assert "icd-cascade evaluate --corpus terms --seed 1\n" in text
    kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert kept["terms, seed 0"]["terms"]["prefixes"]["64"]["MAP"] is None


def test_commands_name_no_folder_of_the_machine() -> None:
    told = tell(["evaluate", "--path", "/srv/x y/codiesp", "--report", "/srv/quality.md", "--output", "./a/b.json"])
    assert told == "evaluate --path codiesp --output b.json"


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}', encoding="utf-8")
    with pytest.raises(EvaluationError, match="is no quality report"):
        add_section(terms(0, 0.5), ["evaluate"], tmp_path / "package.md")
    assert not (tmp_path / "package.md").exists()
