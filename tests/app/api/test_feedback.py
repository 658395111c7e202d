from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.access.scopes import Scope
from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.api.guarded import Keys, bearer, guarded
from tests.app.fakes import FakeCoder

TEXT = "Podagra again, no asthma."


@pytest.fixture
def here(coder: FakeCoder, tmp_path: Path) -> Iterator[Client]:
    settings = Settings(feedback_folder=tmp_path / "feedback")
    with running(lambda: coder, settings) as client:
        client.wait_until_ready()
        yield client


def feedback_on(answer: dict[str, Any], **fields: Any) -> dict[str, Any]:
    words = [{key: answer["codes"][-1]["evidence"][0][key] for key in ("document", "start", "end")}]
    decisions = [
        {"code": "M10.9", "decision": "accepted", "evidence": words},
        {"code": "J45.20", "decision": "rejected"},
        {"code": "J45", "decision": "added"},
    ]
    return {
        "request_id": answer["request_id"],
        "note_id": "visit",
        "versions": answer["versions"],
        "decisions": decisions,
    } | fields


def test_review_is_stored_counted_and_measured(here: Client, tmp_path: Path) -> None:
    answer = here.code(text=TEXT).json()
    stored = here.send("POST", "/v1/feedback", json=feedback_on(answer))
    assert stored.status_code == 200
    assert stored.json() == {"request_id": answer["request_id"], "accepted": 1, "rejected": 1, "added": 1}
    [review] = here.app.state.feedback.reviews()
    assert [decided.code for decided in review.decisions] == ["M10.9", "J45.20", "J45"]
    metrics = here.get("/metrics").text
    assert 'icd_feedback_acceptance_ratio{calibration="none",code="M10.9",index="index-1"} 1.0' in metrics
    assert 'icd_feedback_acceptance_ratio{calibration="none",code="J45.20",index="index-1"} 0.0' in metrics
    stored_bytes = (tmp_path / "feedback" / "feedback.sqlite").read_bytes()
    assert b"odagra" not in stored_bytes


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"decisions": [{"code": "Z99.99", "decision": "accepted"}]}, "decisions.0.code", None),
        (
            {"decisions": [{"code": "M10.9", "decision": "maybe"}]},
            "decisions.0.decision",
            "'accepted', 'rejected' or 'added'",
        ),
        ({"decisions": [{"code": "M10.9", "decision": "added"}] * 2}, "decisions", None),
        ({"decisions": [{"code": "M10.9", "decision": "added", "text": "podagra"}]}, "decisions.0", None),
        ({"decisions": [{"code": "M10.9", "decision": "added"}] * 501}, "decisions", 500),
        (
            {"decisions": [{"code": "M10.9", "decision": "added", "evidence": [{"start": 9, "end": 9}]}]},
            "end",
            None,
        ),
        (
            {"decisions": [{"code": "M10.9", "decision": "added", "evidence": [{"start": 0, "end": 400_001}]}]},
            "decisions.0.evidence.0.end",
            400_000,
        ),
        ({"request_id": "Mrs Smith"}, "request_id", None),
        ({"note_id": "x" * 129}, "note_id", 128),
        ({"versions": {"service": "1", "model": "m", "index": "i", "code_set": "<b>"}}, "versions.code_set", 128),
    ],
)
def test_refusal_names_field_and_limit(
    here: Client, change: dict[str, Any], field: str, limit: int | str | None
) -> None:
    answer = here.code(text=TEXT).json()
    refused = here.send("POST", "/v1/feedback", json=feedback_on(answer, **change))
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["field"], error.get("limit")) == (field, limit)
    assert "Smith" not in refused.text and "podagra" not in refused.text and "Z99" not in refused.text


def test_feedback_survives_a_restart(coder: FakeCoder, tmp_path: Path) -> None:
    settings = Settings(feedback_folder=tmp_path)
    for expected in (1, 2):
        with running(lambda: coder, settings) as client:
            client.wait_until_ready()
            answer = client.code(text=TEXT).json()
            assert client.send("POST", "/v1/feedback", json=feedback_on(answer)).status_code == 200
            assert len(list(client.app.state.feedback.reviews())) == expected


def test_scope_code_is_needed_and_the_audit_log_says_what_was_decided(coder: FakeCoder, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    coding, other = keys.add(Scope.CODE), keys.add(Scope.BATCH)
    log = tmp_path / "audit.jsonl"
    with guarded(coder, keys, audit_log=log, feedback_folder=tmp_path / "feedback") as client:
        answer = client.send("POST", "/v1/code", json={"text": TEXT}, headers=bearer(coding)).json()
        body = feedback_on(answer)
        statuses = [
            client.send("POST", "/v1/feedback", json=body, headers=headers).status_code
            for headers in ({}, bearer(other), bearer(coding))
        ]
    assert statuses == [401, 403, 200]
    line = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert line["action"] == "POST /v1/feedback"
    assert (line["accepted"], line["rejected"], line["added"]) == (1, 1, 1)
    assert line["versions"]["index"] == "index-1"
    assert "visit" not in log.read_text(encoding="utf-8") and "M10.9" not in log.read_text(encoding="utf-8")


def test_unwritable_store_is_a_503(coder: FakeCoder, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with running(lambda: coder, Settings(feedback_folder=tmp_path / "taken" / "feedback")) as client:
        client.wait_until_ready()
        answer = client.code(text=TEXT).json()
        refused = client.send("POST", "/v1/feedback", json=feedback_on(answer))
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:icd-cascade:problem:feedback-unavailable"
        assert client.get("/metrics").status_code == 200
