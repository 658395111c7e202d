"""Strings as the contract takes them: valid Unicode without NUL, so that every offset can be sliced and stored."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from app.api.limits import LABEL_CHARACTERS, PREFIX_CHARACTERS

CUSTOM = "contract"  # the type of our own errors: their messages hold nothing that the client sent


def violation(message: str, limit: int | float | str | None = None, field: str | None = None) -> PydanticCustomError:
    """An error whose message may be shown. field overrides where pydantic would place it."""
    return PydanticCustomError(CUSTOM, "{message}", {"message": message, "limit": limit, "field": field})


def _refuse_nul_and_surrogates(value: str) -> str:
    if "\0" in value:
        raise violation("Must not contain NUL (U+0000).")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise violation("Must not contain lone surrogates (U+D800 to U+DFFF).") from None
    return value


def _refuse_blank(value: str) -> str:
    if not value.strip():
        raise violation("Must not be empty or blank.")
    return value


Plain = Annotated[str, AfterValidator(_refuse_nul_and_surrogates)]
NoteText = Annotated[Plain, AfterValidator(_refuse_blank)]
Label = Annotated[str, StringConstraints(max_length=LABEL_CHARACTERS), AfterValidator(_refuse_nul_and_surrogates)]
CodePrefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.]*$", max_length=PREFIX_CHARACTERS)]
