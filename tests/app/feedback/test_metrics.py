from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.feedback.metrics import FeedbackMetrics
from app.feedback.review import Versions
from app.feedback.store import SqliteStore
from tests.app.feedback.reviews import accepted, rejected, review

EARLIER = Versions("0.0.9", "model-0", "index-0", "icd-10-cm 2025-10", None)
LOADED = frozenset({"index-1", "general 1"})


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path, 1, 100)


@pytest.fixture
def registry(store: SqliteStore) -> CollectorRegistry:
    registry = CollectorRegistry()
    FeedbackMetrics(registry, store, lambda: LOADED, codes=2)
    return registry


def labels(code: str, index: str = "index-1", calibration: str = "general 1") -> dict[str, str]:
    return {"code": code, "index": index, "calibration": calibration}


def test_acceptance_per_code_and_version(store: SqliteStore, registry: CollectorRegistry) -> None:
    for name, verdict in zip("abc", (accepted, accepted, rejected), strict=True):
        store.put("someone", review(verdict("M10.9"), name=name))
    store.put("someone", review(rejected("M10.9"), name="d", versions=EARLIER))
    ratio = "icd_feedback_acceptance_ratio"
    assert registry.get_sample_value(ratio, labels("M10.9")) == pytest.approx(2 / 3)
    assert registry.get_sample_value(ratio, labels("M10.9", "earlier", "none")) == 0
    counted = registry.get_sample_value("icd_feedback_decisions", labels("M10.9") | {"decision": "accepted"})
    assert counted == 2


def test_number_of_codes_is_bounded(store: SqliteStore, registry: CollectorRegistry) -> None:
    codes = [f"A{number:02}" for number in range(10)]
    store.put("someone", review(*map(accepted, codes)))
    text = generate_latest(registry).decode()
    assert text.count("icd_feedback_acceptance_ratio{") == 3
    assert 'code="other"' in text


def test_unreadable_store_leaves_the_other_metrics(tmp_path: Path, registry: CollectorRegistry) -> None:
    (tmp_path / "feedback.sqlite").write_bytes(b"no database " * 100)
    assert b"icd_feedback" not in generate_latest(registry)
