from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.api.offsets import Utf16Offsets
from app.api.validity import validity
from tests.app.api.client import Client, running
from tests.app.fakes import POISON, FakeCoder

NOTE = "Known asthma.\r\n\tAcute gout of the toe."


def test_answer_has_the_shape_of_the_contract(client: Client) -> None:
    response = client.code(text=NOTE, note_id="n-1")
    answer = response.json()
    assert response.status_code == 200
    assert answer["request_id"] == response.headers["X-Request-ID"]
    assert answer["note_id"] == "n-1"
    assert [item["code"] for item in answer["codes"]] == ["J45.20", "M10.9"]
    assert answer["codes"][0]["probability"] is None
    assert set(answer["codes"][0]["stage_scores"]) == {"64", "256", "768"}
    assert answer["versions"]["code_set"] == "icd-10-cm 2026-04"
    assert set(answer["timings_ms"]) >= {"queue", "encode"}
    assert (answer["suppressed"], answer["truncated"]) == ([], False)


def test_note_without_finding_answers_with_empty_lists(client: Client) -> None:
    response = client.code(text="The car was washed.")
    assert (response.status_code, response.json()["codes"], response.json()["candidates"]) == (200, [], [])


def test_evidence_of_documents_counts_from_each_document(client: Client) -> None:
    texts = ["No complaints.", NOTE]
    answer = client.code(documents=[{"id": "a", "text": text} for text in texts]).json()
    for evidence in (span for item in answer["codes"] for span in item["evidence"]):
        assert texts[evidence["document"]][evidence["start"] : evidence["end"]] == evidence["text"]


def test_options_reach_the_coder(client: Client, coder: FakeCoder) -> None:
    asked = {"top_k": 7, "within": ["j", "m10"], "billable_only": False, "widths": "balanced", "assertion": "annotate"}
    assert client.code(text=NOTE, patient={"age_years": 61, "sex": "female"}, **asked).status_code == 200
    [options] = coder.options
    assert (options.top_k, options.within, options.billable_only) == (7, ("J", "M10"), False)
    assert (options.widths, options.assertion) == ("balanced", "annotate")


@example("👨‍👩‍👧 asthma e\u0301 \u202egout 😀podagra")
@given(st.text(st.sampled_from("a😀é\u0301\u05d0\U0001f468\r\n\t "), max_size=30).map(lambda s: f"{s}gout{s}asthma"))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_utf16_offsets_slice_the_utf16_text(client: Client, text: str) -> None:
    answer = client.code(text=text, offset_unit="utf16").json()
    spans = [span for item in answer["codes"] for span in item["evidence"]]
    assert spans
    for span in spans:
        assert text.encode("utf-16-le")[2 * span["start"] : 2 * span["end"]].decode("utf-16-le") == span["text"]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40), st.data())
def test_every_offset_converts_to_utf16(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    assert Utf16Offsets(text).convert(offset) == len(text[:offset].encode("utf-16-le")) // 2


def test_service_date_outside_the_edition_is_answered_with_a_warning(client: Client) -> None:
    inside = client.code(text=NOTE, service_date="2026-09-30").json()
    outside = client.code(text=NOTE, service_date="2026-10-01").json()
    assert [warning["rule"] for warning in inside["warnings"]] == ["fake"]
    assert [warning["rule"] for warning in outside["warnings"]] == ["service-date-outside-edition", "fake"]
    assert outside["codes"] == inside["codes"]


def test_editions_are_valid_for_half_a_year() -> None:
    autumn = validity("icd-10-cm", "2025-10")
    assert autumn is not None
    assert (autumn.first, autumn.last) == (date(2025, 10, 1), date(2026, 3, 31))
    assert validity("icd-9-cm", "2014-10") is None
    assert validity("icd-10-cm", "custom") is None


@pytest.mark.parametrize(
    ("fields", "field", "loaded"),
    [
        ({"code_sets": ["icd-10-gm"]}, "code_sets", "icd-10-cm"),
        ({"code_sets": ["icd-10-cm", "icd-10-pcs"]}, "code_sets", "icd-10-cm"),
        ({"edition": "2019-10"}, "edition", "icd-10-cm 2026-04"),
        ({"calibration": "codiesp"}, "calibration", "general"),
    ],
)
def test_what_is_not_loaded_is_refused_naming_what_is(
    client: Client, fields: dict[str, object], field: str, loaded: str
) -> None:
    response = client.code(text=NOTE, **fields)
    assert response.status_code == 422
    assert response.json()["type"].endswith(":not-loaded")
    [error] = response.json()["errors"]
    assert (error["field"], error["limit"]) == (field, loaded)


def test_threshold_is_refused_until_a_calibration_is_loaded(client: Client, coder: FakeCoder) -> None:
    assert client.code(text=NOTE, threshold=0.5).json()["errors"][0]["field"] == "threshold"
    with running(lambda: FakeCoder(coder.catalog, calibration="general")) as calibrated:
        calibrated.wait_until_ready()
        assert calibrated.code(text=NOTE, threshold=0.5).status_code == 200


def test_bad_notes_of_a_batch_fail_alone(client: Client) -> None:
    notes = [{"text": NOTE}, {"text": " "}, {"text": f"{POISON} asthma"}, "no object", {"text": NOTE, "edition": "1"}]
    response = client.send("POST", "/v1/code/batch", json={"notes": [*notes, {"text": "podagra"}]})
    results = response.json()["results"]
    assert response.status_code == 200
    assert [item["index"] for item in results] == list(range(6))
    assert [item["status"] for item in results] == [200, 422, 500, 422, 422, 200]
    assert results[1]["problem"]["errors"] == [
        {"field": "text", "message": "Must not be empty or blank.", "limit": None}
    ]
    assert results[5]["result"]["codes"][0]["evidence"][0]["text"] == "podagra"
    assert all((item["result"] is None) != (item["problem"] is None) for item in results)


def test_note_answers_the_same_alone_and_in_a_batch(client: Client) -> None:
    alone = client.code(text=NOTE).json()
    batch = client.send("POST", "/v1/code/batch", json={"notes": [{"text": "gout"}, {"text": NOTE}]}).json()
    assert batch["results"][1]["result"]["codes"] == alone["codes"]


@pytest.mark.parametrize("count", [0, 65])
def test_batch_size_is_limited(client: Client, count: int) -> None:
    response = client.send("POST", "/v1/code/batch", json={"notes": [{"text": NOTE}] * count})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "notes")


def test_event_loop_answers_while_a_note_is_being_coded(client: Client, coder: FakeCoder) -> None:
    coder.gate.clear()
    pending = [client.begin("POST", "/v1/code", json={"text": NOTE}) for _ in range(3)]
    try:
        assert client.get("/livez").status_code == 200
        assert not any(future.done() for future in pending)
    finally:
        coder.gate.set()
    answers = [future.result(timeout=10) for future in pending]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert all(answer.json()["timings_ms"]["queue"] >= 0 for answer in answers)
