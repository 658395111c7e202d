"""RFC 9457 problem details."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

PROBLEM_JSON: Final = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that breaks the contract."""

    field: str = Field(description="Dotted path, e.g. documents.0.text; body for the whole.")
    message: str
    limit: int | float | str | None = Field(default=None, description="The limit that was broken, if there is one.")


class Problem(BaseModel):
    """Why there is no answer. Never repeats what the client sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:icd-cascade:problem:invalid-field",
                    "title": "A field breaks its limit",
                    "status": 422,
                    "detail": "1 field breaks the contract.",
                    "instance": "3f0d2c1e-7b4a-4c57-9a53-6a1de3b0c9aa",
                    "errors": [{"field": "top_k", "message": "Must be at most 200.", "limit": 200}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request id; also in the X-Request-ID header and in the service's log.")
    errors: list[FieldProblem] = []
    retry_after: int | None = Field(default=None, description="Seconds; what the Retry-After header says.")
