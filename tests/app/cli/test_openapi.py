from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.api.schemas.examples import CODE_RESPONSE
from app.api.schemas.response import CodeResponse
from app.cli.openapi import document

COMMITTED = Path(__file__).parents[3] / "openapi.json"


def operations() -> list[dict[str, Any]]:
    return [operation for path in json.loads(document())["paths"].values() for operation in path.values()]


def test_committed_document_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(), "run: make openapi"


def test_every_status_has_a_schema_and_problems_their_media_type() -> None:
    for operation in operations():
        for status, response in operation["responses"].items():
            assert response["content"]
            for media, content in response["content"].items():
                assert (media == "application/problem+json") == (int(status) >= 400)
                assert content["schema"]


def test_no_default_of_the_framework_is_left() -> None:
    assert not {"HTTPValidationError", "ValidationError"} & json.loads(document())["components"]["schemas"].keys()


def test_example_fits_its_schema_and_slices_its_text() -> None:
    answer = CodeResponse.model_validate(CODE_RESPONSE)
    [request] = json.loads(document())["components"]["schemas"]["CodeRequest"]["examples"]
    evidence = answer.codes[0].evidence[0]
    assert request["text"][evidence.start : evidence.end] == evidence.text
