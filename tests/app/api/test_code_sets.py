"""Requests that name code sets, editions and dates, over a shelf of four."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.pipeline.shelf import Shelf
from index_builder.build import build
from model.checkpoint import Checkpoint
from model.onnx_encoder import OnnxEncoder
from tests.app.api.client import Client, running
from tests.app.api.test_operations import samples
from tests.app.live import deploy
from tests.app.shelves import CM, ICD9, OLD, PCS, PCS_SYSTEM, Listed, build_shelf
from tests.index_builder.fakes import FakeEncoder

TEXT = "Acute appendicitis, laparoscopic appendectomy. Type 2 diabetes mellitus."
ALL = ", ".join((CM, OLD, PCS, ICD9))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return build_shelf(tmp_path_factory.mktemp("artifacts"), FakeEncoder())


@pytest.fixture(scope="module")
def client(shelf: Shelf) -> Iterator[Client]:
    with running(lambda: shelf) as client:
        client.wait_until_ready()
        yield client


def answer(client: Client, **fields: Any) -> dict[str, Any]:
    response = client.code(text=TEXT, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def found(body: dict[str, Any]) -> set[tuple[str, str]]:
    return {(item["code"], item["edition"]) for item in (*body["codes"], *body["candidates"])}


def test_the_default_code_set_answers_as_before(client: Client) -> None:
    body = answer(client)
    assert body["versions"]["code_set"] == CM
    assert {edition for _, edition in found(body)} == {"2026-04"}


def test_diagnoses_and_procedures_in_one_answer(client: Client) -> None:
    body = answer(client, code_sets=["icd-10-cm", "icd-10-pcs"])
    assert body["versions"]["code_set"] == f"{CM}, {PCS}"
    assert body["versions"]["index"].count(", ") == 1
    assert {("0DTJ4ZZ", "2026-04"), ("K35", "2026-04")} <= found(body)
    [procedure] = [item for item in body["codes"] if item["code"] == "0DTJ4ZZ"]
    assert procedure["system"] == PCS_SYSTEM
    assert TEXT[procedure["evidence"][0]["start"] : procedure["evidence"][0]["end"]].lower().endswith("appendectomy")


@pytest.mark.parametrize(
    ("fields", "loaded"),
    [
        ({"edition": "2025-10"}, OLD),
        ({"edition": OLD}, OLD),
        ({"service_date": "2025-12-24"}, OLD),
        ({"service_date": "2026-05-01"}, CM),
        ({"code_sets": ["icd-9-cm"], "service_date": "2014-12-24"}, ICD9),
        ({"code_sets": ["icd-10-cm", "icd-10-pcs"], "edition": OLD}, f"{OLD}, {PCS}"),
        ({"code_sets": ["icd-10-pcs", "icd-10-cm", "icd-10-pcs"], "edition": "2026-04"}, f"{PCS}, {CM}"),
    ],
)
def test_editions_stand_side_by_side(client: Client, fields: dict[str, object], loaded: str) -> None:
    body = answer(client, **fields)
    assert body["versions"]["code_set"] == loaded
    assert body["warnings"] == []


def test_a_date_that_no_edition_covers_is_answered_with_a_warning_for_each_set(client: Client) -> None:
    body = answer(client, code_sets=["icd-10-cm", "icd-9-cm"], service_date="2019-01-01")
    assert [warning["rule"] for warning in body["warnings"]] == ["service-date-outside-edition"] * 2
    assert ["of icd-10-cm" in body["warnings"][0]["message"], "of icd-9-cm" in body["warnings"][1]["message"]] == [
        True
    ] * 2


@pytest.mark.parametrize(
    ("fields", "field", "limit"),
    [
        ({"edition": "2019-10"}, "edition", ALL),
        ({"edition": "icd-10-pcs 2025-10"}, "edition", ALL),
        ({"code_sets": ["icd-10-cm", "icd-10-pcs"], "edition": "2025-10"}, "edition", ALL),
        ({"code_sets": ["icd-10-gm", "icd-10-cm"]}, "code_sets", "icd-10-cm, icd-10-pcs, icd-9-cm"),
    ],
)
def test_what_is_not_loaded_gets_a_422_that_lists_what_is(
    client: Client, fields: dict[str, object], field: str, limit: str
) -> None:
    response = client.code(text=TEXT, **fields)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (422, "urn:icd-cascade:problem:not-loaded")
    assert ALL in problem["detail"]
    assert [(error["field"], error["limit"]) for error in problem["errors"]] == [(field, limit)]
    assert "2019" not in response.text and "gm" not in response.text


def test_a_batch_mixes_code_sets(client: Client) -> None:
    notes = [{"text": TEXT, "code_sets": [name]} for name in ("icd-9-cm", "icd-10-cm", "icd-10-gm", "icd-10-pcs")]
    results = client.send("POST", "/v1/code/batch", json={"notes": notes}).json()["results"]
    assert [item["status"] for item in results] == [200, 200, 422, 200]
    assert [item["result"]["versions"]["code_set"] for item in results if item["result"]] == [ICD9, CM, PCS]


def test_codes_are_looked_up_wherever_they_are(client: Client) -> None:
    for code, code_set, edition in (
        ("E11", "icd-10-cm", "2026-04"),
        ("250.00", "icd-9-cm", "2014"),
        ("0djd8zz", "icd-10-pcs", "2026-04"),
    ):
        detail = client.get(f"/v1/codes/{code}").json()
        assert (detail["code_set"], detail["edition"]) == (code_set, edition)
    old = client.get("/v1/codes/E11?code_set=icd-10-cm&edition=2025-10").json()
    assert old["edition"] == "2025-10"
    missing = client.get("/v1/codes/E11?code_set=icd-9-cm")
    assert (missing.status_code, missing.json()["detail"]) == (404, f"No such code in {ICD9}.")
    assert client.get("/v1/codes/Q99").json()["detail"] == f"No such code in {ALL}."
    refused = client.get("/v1/codes/E11?edition=2019-10")
    assert (refused.status_code, refused.json()["errors"][0]["limit"]) == (422, ALL)


def test_search_is_in_the_code_set_that_is_named(client: Client) -> None:
    def search(words: str, **named: str) -> tuple[str, list[str]]:
        body = client.get("/v1/codes", params={"q": words, **named}).json()
        return body["code_set"], [code["code"] for code in body["codes"]]

    assert search("diabetes mellitus") == ("icd-10-cm", ["E11"])
    assert search("diabetes mellitus", code_set="icd-9-cm") == ("icd-9-cm", ["250.00"])
    assert search("appendectomy", code_set="icd-10-pcs", edition="2026-04") == ("icd-10-pcs", ["0DTJ4ZZ"])


def test_a_code_shows_its_maps_with_flags_and_titles(client: Client) -> None:
    [forward] = client.get("/v1/codes/250.00").json()["maps"]
    assert (forward["code_set"], forward["edition"], forward["no_map"]) == ("icd-10-cm", "2018", False)
    one, other = forward["codes"]
    assert one == {
        "code": "E11",
        "display": "type 2 diabetes mellitus",
        "approximate": True,
        "combination": False,
        "scenario": None,
        "choice": None,
    }
    assert (other["code"], other["display"]) == ("Z99.9", None)
    [back] = client.get("/v1/codes/E11").json()["maps"]
    assert [code["code"] for code in back["codes"]] == ["250.00"]


def test_no_map_and_combinations_are_told_apart(client: Client) -> None:
    [none] = client.get("/v1/codes/365.70").json()["maps"]
    assert (none["no_map"], none["codes"]) == (True, [])
    [[part]] = [one["codes"] for one in client.get("/v1/codes/540.9").json()["maps"]]
    assert (part["combination"], part["scenario"], part["choice"]) == (True, 1, 1)
    assert client.get("/v1/codes/A01").json()["maps"] == []


def test_info_lists_what_is_loaded(client: Client) -> None:
    info = client.get("/v1/info").json()
    assert [f"{one['code_set']} {one['edition']}" for one in info["code_sets"]] == [CM, OLD, PCS, ICD9]
    assert [(one["valid_from"], one["valid_to"]) for one in info["code_sets"]][1::2] == [
        ("2025-10-01", "2026-03-31"),
        ("2013-10-01", "2015-09-30"),
    ]
    assert [one["codes"] for one in info["code_sets"]][2:] == [2, 3]
    assert {(one["source"], one["target"], one["mappings"]) for one in info["crosswalk"]} == {
        ("icd-9-cm", "icd-10-cm", 4),
        ("icd-10-cm", "icd-9-cm", 1),
    }


def test_a_reload_swaps_all_code_sets_together(tmp_path: Path) -> None:
    deployed = deploy(tmp_path)
    encoder = OnnxEncoder(Checkpoint.open(tmp_path / "models" / "one"), threads=1)
    procedures = {"0DTJ4ZZ": "laparoscopic appendectomy", "0DJD8ZZ": "colonoscopy"}

    def publish(**more: str) -> str:
        code_set = Listed("icd-10-pcs", "2026-04", PCS_SYSTEM, procedures | more)
        return build(code_set, encoder, tmp_path / "artifacts", builder_version="test").name

    def loaded(client: Client) -> dict[str, str]:
        return {one["code_set"]: one["index"] for one in client.get("/v1/info").json()["code_sets"]}

    def reload(client: Client, **chosen: str) -> httpx.Response:
        return client.send("POST", "/admin/reload", json=chosen)

    first = publish()
    with running(None, deployed.settings.model_copy(update={"also": ("icd-10-pcs",)})) as client:
        client.wait_until_ready()
        before = loaded(client)
        assert before == {"icd-10-cm": deployed.indexes["one"], "icd-10-pcs": first}
        assert {"icd-10-cm 2026-04", "icd-10-pcs 2026-04"} == {
            labels[1] for labels, value in samples(client)["icd_index_info"].items() if value == 1
        }
        second = publish(**{"0DJ08ZZ": "endoscopy"})
        assert reload(client).status_code == 200
        assert loaded(client) == before | {"icd-10-pcs": second}
        assert reload(client, index=first).status_code == 200
        assert loaded(client) == before
        refused = reload(client, model="two", index=deployed.indexes["two"])
        assert (refused.status_code, "built by model" in refused.json()["detail"]) == (422, True)
        assert loaded(client) == before
        assert answer(client, code_sets=["icd-10-pcs"])["versions"]["index"] == first
