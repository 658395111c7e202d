from __future__ import annotations

import pytest

from tests.app.api.client import Client


@pytest.fixture
def client(shared: Client) -> Client:
    return shared


@pytest.mark.parametrize("written", ["J45.2", "j45.2", "J452"])
def test_code_is_found_however_it_is_written(client: Client, written: str) -> None:
    detail = client.get(f"/v1/codes/{written}").json()
    assert (detail["code"], detail["billable"], detail["parent"]) == ("J45.2", False, "J45")
    assert [code["code"] for code in detail["ancestors"]] == ["J45"]
    assert [code["code"] for code in detail["children"]] == ["J45.20"]
    assert detail["surface_forms"] == ["Mild intermittent asthma"]


def test_notes_of_a_code_are_shown(client: Client) -> None:
    assert client.get("/v1/codes/J45").json()["notes"] == {"includes": ["allergic asthma"]}


@pytest.mark.parametrize("written", ["Q99", "-", "J45%00", "%F0%9F%98%80", "J45.20.20.20.20.20"])
def test_code_that_does_not_exist_is_a_problem(client: Client, written: str) -> None:
    response = client.get(f"/v1/codes/{written}")
    assert (response.status_code, response.json()["type"]) == (404, "urn:icd-cascade:problem:unknown-code")


def test_search_finds_other_wordings(client: Client) -> None:
    assert [code["code"] for code in client.get("/v1/codes?q=podagra").json()["codes"]] == ["M10.9"]
    assert len(client.get("/v1/codes?q=asthma&limit=1").json()["codes"]) == 1


@pytest.mark.parametrize("query", ["", "q=", "q=%20", "q=%00", "q=gout&limit=0", "q=gout&limit=101", "q=gout&limit=x"])
def test_search_outside_its_limits_is_refused(client: Client, query: str) -> None:
    response = client.get(f"/v1/codes?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] in ("q", "limit")
