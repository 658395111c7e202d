from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.api.limits import BODY_BYTES, JSON_MEMBERS, NOTE_CHARACTERS
from tests.app.api.client import Client

JSON = {"Content-Type": "application/json"}
TEXT = "Gout."


@pytest.fixture
def client(shared: Client) -> Client:
    return shared


def send(client: Client, body: bytes | AsyncIterator[bytes], headers: dict[str, str] | None = None) -> httpx.Response:
    return client.send("POST", "/v1/code", content=body, headers=JSON if headers is None else headers)


def check_problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:icd-cascade:problem:{slug}"
    assert problem["instance"] == response.headers["X-Request-ID"]
    assert problem["title"]
    assert problem["detail"]
    return problem


FIELDS: list[tuple[dict[str, Any], str, object]] = [
    ({}, "body", None),
    ({"text": TEXT, "documents": [{"text": TEXT}]}, "body", None),
    ({"text": ""}, "text", None),
    ({"text": " \r\n\t\u3000"}, "text", None),
    ({"text": "gout\0"}, "text", None),
    ({"text": "gout \ud83d"}, "text", None),
    ({"text": 7}, "text", None),
    ({"text": "g" * (NOTE_CHARACTERS + 1)}, "text", NOTE_CHARACTERS),
    ({"documents": [{"text": "g" * (NOTE_CHARACTERS // 2 + 1)}] * 2}, "documents", NOTE_CHARACTERS),
    ({"documents": []}, "documents", 1),
    ({"documents": [{"text": TEXT}, {"text": " "}]}, "documents.1.text", None),
    ({"documents": [{"text": TEXT, "id": "\udfff"}]}, "documents.0.id", None),
    ({"documents": [{"text": TEXT, "unknown": 1}]}, "documents.0", None),
    ({"text": TEXT, "unknown": 1}, "body", None),
    ({"text": TEXT, "\ud800": 1}, "body", None),
    ({"text": TEXT, "note_id": "n" * 129}, "note_id", 128),
    ({"text": TEXT, "code_sets": []}, "code_sets", 1),
    ({"text": TEXT, "top_k": 0}, "top_k", 1),
    ({"text": TEXT, "top_k": 201}, "top_k", 200),
    ({"text": TEXT, "top_k": "5"}, "top_k", None),
    ({"text": TEXT, "threshold": 1.5}, "threshold", 1),
    ({"text": TEXT, "widths": "wide"}, "widths", "'card' or 'balanced'"),
    ({"text": TEXT, "billable_only": "yes"}, "billable_only", None),
    ({"text": TEXT, "within": ["J"] * 101}, "within", 100),
    ({"text": TEXT, "within": ["J", "J44.10000"]}, "within.1", 8),
    ({"text": TEXT, "within": ["J%"]}, "within.0", None),
    ({"text": TEXT, "service_date": "yesterday"}, "service_date", None),
    ({"text": TEXT, "service_date": "2026-05-01", "edition": "2026-04"}, "edition", None),
    ({"text": TEXT, "patient": {"age_years": -1}}, "patient.age_years", 0),
    ({"text": TEXT, "patient": {"sex": "none"}}, "patient.sex", "'female', 'male', 'other' or 'unknown'"),
    ({"text": TEXT, "offset_unit": "bytes"}, "offset_unit", "'codepoint' or 'utf16'"),
]


@pytest.mark.parametrize(("body", "field", "limit"), FIELDS)
def test_field_outside_the_contract_is_named_with_its_limit(
    client: Client, body: dict[str, Any], field: str, limit: object
) -> None:
    problem = check_problem(send(client, json.dumps(body).encode()), 422, "invalid-field")
    [error] = problem["errors"]
    assert (error["field"], error.get("limit")) == (field, limit)
    assert error["message"]


@pytest.mark.parametrize("top_k", ["1e400", "NaN", "1" + "0" * 5000])
def test_numbers_beyond_all_bounds_are_refused(client: Client, top_k: str) -> None:
    response = send(client, f'{{"text": "gout", "top_k": {top_k}}}'.encode())
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00",
        b'{"text": "caf\xe9"}',
        b'{"text": "\xed\xa0\x80"}',  # a surrogate in UTF-8's clothes
        b'{"text": "gout"',
        b'{"text": "gout\x00"}',
        b"text=gout",
        b"[" * 100_000,
        b'{"patient": ' * 40 + b"1" + b"}" * 40,
        b"[" + b"1," * (JSON_MEMBERS + 1) + b"1]",
    ],
)
def test_body_that_is_no_plain_json_is_malformed(client: Client, body: bytes) -> None:
    check_problem(send(client, body), 400, "malformed-body")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"gout"'])
def test_body_that_is_no_object_is_refused(client: Client, body: bytes) -> None:
    check_problem(send(client, body), 422, "invalid-field")


def test_brackets_in_the_text_are_not_nesting(client: Client) -> None:
    assert client.code(text='gout \\" ' + "[{" * 1000).status_code == 200


def test_largest_note_is_answered(client: Client) -> None:
    assert client.code(text="😀" * (NOTE_CHARACTERS - 4) + "gout").status_code == 200


def test_body_over_the_limit_is_refused_by_its_declared_length(client: Client) -> None:
    check_problem(send(client, b"{}", JSON | {"Content-Length": str(BODY_BYTES + 1)}), 413, "body-too-large")
    check_problem(send(client, b"{}", JSON | {"Content-Length": "9" * 5000}), 413, "body-too-large")


def test_body_over_the_limit_is_refused_while_it_streams(client: Client) -> None:
    read: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            read.append(1)
            assert len(read) < 100, "the service reads on"
            yield b" " * 100_000

    check_problem(send(client, endless()), 413, "body-too-large")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_other_content_types_are_not_supported(client: Client, headers: dict[str, str]) -> None:
    check_problem(send(client, b'{"text": "gout"}', headers), 415, "unsupported-body")


def test_charset_utf8_is_accepted(client: Client) -> None:
    headers = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert send(client, '{"text": "gout é"}'.encode(), headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/v1/code/", "/docs", "/v1/codes/a/b"])
def test_unknown_path_is_a_problem(client: Client, path: str) -> None:
    check_problem(client.get(path), 404, "no-such-path")


def test_unknown_method_is_a_problem_that_lists_the_methods(client: Client) -> None:
    response = client.get("/v1/code")
    check_problem(response, 405, "no-such-method")
    assert response.headers["Allow"] == "POST"
