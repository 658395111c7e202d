"""pydantic's errors in our own words: field, message and limit, and nothing that the client sent.

pydantic's own messages, inputs and locations may hold note text or names that a client made up, so only error types,
our own limits and the names of our own fields are taken from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from app.api.limits import REPORTED_ERRORS
from app.api.schemas.feedback import DecidedIn, FeedbackIn, PlaceIn, VersionsIn
from app.api.schemas.request import BatchRequest, CodeRequest, DocumentIn, PatientIn
from app.api.schemas.text import CUSTOM
from app.errors import FieldError, InvalidField, MalformedBody, RequestError

_ADDRESSED: Final = ("code", "q", "limit")  # names of path and query parameters
_MODELS: Final[tuple[type[BaseModel], ...]] = (
    CodeRequest,
    DocumentIn,
    PatientIn,
    BatchRequest,
    FeedbackIn,
    DecidedIn,
    PlaceIn,
    VersionsIn,
)
_LIMITED: Final = {
    "less_than_equal": ("Must be at most {}.", "le"),
    "greater_than_equal": ("Must be at least {}.", "ge"),
    "string_too_long": ("Must have at most {} characters.", "max_length"),
    "string_too_short": ("Must have at least {} characters.", "min_length"),
    "too_long": ("Must have at most {} entries.", "max_length"),
    "too_short": ("Must have at least {} entries.", "min_length"),
    "literal_error": ("Must be one of: {}.", "expected"),
}
_PLAIN: Final = {
    "missing": "Is required.",
    "extra_forbidden": "Holds a field that is not part of the contract.",
    "string_type": "Must be a string.",
    "string_unicode": "Must not contain lone surrogates (U+D800 to U+DFFF).",
    "string_pattern_mismatch": "Must hold letters, digits and dots only.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "int_from_float": "Must be a whole number.",
    "float_type": "Must be a number.",
    "finite_number": "Must be a finite number.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
}
_DATES: Final = "Must be a date such as 2026-05-31."
_OTHERWISE: Final = "Does not fit the contract."


def describe(errors: Sequence[Mapping[str, Any]]) -> RequestError:
    """The error to answer with: MalformedBody if the body is no JSON, InvalidField otherwise."""
    if any(error["type"] == "json_invalid" for error in errors):
        return MalformedBody("The body is not valid JSON.")
    fields = tuple(_distinct(errors))
    subject = "1 field breaks" if len(fields) == 1 else f"{len(fields)} fields break"
    return InvalidField(f"{subject} the contract.", *fields)


def _distinct(errors: Sequence[Mapping[str, Any]]) -> Iterator[FieldError]:
    return iter(dict.fromkeys(_field_error(error) for error in errors[:REPORTED_ERRORS]))


def _field_error(error: Mapping[str, Any]) -> FieldError:
    context = error.get("ctx", {})
    field = _path(error)
    if error["type"] == CUSTOM:
        return FieldError(context["field"] or field, context["message"], context["limit"])
    if error["type"] in _LIMITED:
        template, key = _LIMITED[error["type"]]
        return FieldError(field, template.format(context[key]), context[key])
    message = _DATES if error["type"].startswith("date") else _PLAIN.get(error["type"], _OTHERWISE)
    return FieldError(field, message)


def _path(error: Mapping[str, Any]) -> str:
    location = [part for part in error["loc"] if part not in ("body", "query", "path")]
    if error["type"] == "extra_forbidden":
        location = location[:-1]  # the client's own word
    known = [str(part) for part in location if isinstance(part, int) or part in _known_names()]
    return ".".join(known) or "body"


@cache
def _known_names() -> frozenset[str]:
    names = {name for model in _MODELS for name in model.model_fields}
    return frozenset(names | set(_ADDRESSED))
