from __future__ import annotations

import threading
import uuid

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.pipeline.coder import Coder
from app.version import VERSION
from tests.app.api.client import Client, running
from tests.app.fakes import FakeCoder


def samples(client: Client) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name and by the labels' values, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_service_lives_before_it_is_ready(coder: FakeCoder) -> None:
    gate = threading.Event()

    def open_slowly() -> Coder:
        gate.wait(10)
        return coder

    with running(open_slowly) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        assert client.get("/v1/info").json()["state"] == "loading"
        for response in (client.get("/readyz"), client.code(text="gout"), client.get("/v1/codes?q=gout")):
            assert (response.status_code, response.json()["type"]) == (503, "urn:icd-cascade:problem:not-ready")
            assert int(response.headers["Retry-After"]) > 0
        gate.set()
        client.wait_until_ready()
        assert client.code(text="gout").status_code == 200


def test_service_whose_index_is_refused_lives_but_is_not_ready() -> None:
    def refuse() -> Coder:
        raise ValueError("index.faiss: sha256 differs")

    with running(refuse) as client:
        while client.get("/v1/info").json()["state"] == "loading":
            pass
        assert client.get("/v1/info").json()["state"] == "failed"
        assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 503)


def test_stopping_service_is_not_ready_but_answers(client: Client) -> None:
    client.app.state.service.lifecycle.stop()
    assert client.get("/readyz").status_code == 503
    assert client.code(text="gout").status_code == 200


def test_info_names_versions_and_limits(client: Client) -> None:
    info = client.get("/v1/info").json()
    assert (info["version"], info["state"], info["calibrated"]) == (VERSION, "ready", False)
    assert info["versions"]["index"] == "index-1"
    assert info["limits"]["note_characters"] == 200_000


def test_metrics_count_requests_by_template_and_stages_by_name(client: Client) -> None:
    client.code(text="gout")
    client.code(text="")
    client.get("/v1/codes/M10.9")
    client.get("/nowhere")
    found = samples(client)
    requests = found["icd_request_duration_seconds_count"]
    assert requests["/v1/code", "200"] == requests["/v1/code", "422"] == 1
    assert requests["/v1/codes/{code}", "200"] == requests["unmatched", "404"] == 1
    assert (
        found["icd_stage_duration_seconds_count"]["encode",] == found["icd_stage_duration_seconds_count"]["queue",] == 1
    )
    assert found["icd_stage_duration_seconds_bucket"]["5e-05", "encode"] == 0
    assert found["icd_note_characters_sum"][()] == 4
    assert found["icd_codes_returned_sum"][()] == 1
    assert found["icd_requests_in_flight"][()] == 1  # the request that reads the metrics
    assert found["icd_build_info"][VERSION,] == 1
    assert found["icd_index_info"]["none", "icd-10-cm 2026-04", "index-1", "model-1"] == 1


@pytest.mark.parametrize("given", ["3f0d2c1e-7b4a-4c57-9a53-6a1de3b0c9aa", "0af7651916cd43dd8448eb211c80319c"])
def test_safe_request_id_of_the_client_is_kept(client: Client, given: str) -> None:
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "Smith-John-1956", "00012345", "a" * 33, "x\u00e9", "../../etc"])
def test_other_request_ids_are_replaced(client: Client, given: str) -> None:
    headers = {"X-Request-ID": given.encode()}
    answered = client.get("/livez", headers=headers).headers["X-Request-ID"]
    assert uuid.UUID(answered).version == 4


def test_answers_are_not_to_be_stored(client: Client) -> None:
    assert client.code(text="gout").headers["Cache-Control"] == "no-store"
