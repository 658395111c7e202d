"""What a client sends: one encounter, or several."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from app.api.limits import BATCH_NOTES, DOCUMENTS, NOTE_CHARACTERS, TOP_K, WITHIN_PREFIXES
from app.api.schemas.examples import CODE_REQUEST
from app.api.schemas.text import CodePrefix, Label, NoteText, violation


class Received(BaseModel):
    """Nothing is guessed: types must match and unknown fields are refused. Errors never carry their input."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class DocumentIn(Received):
    """One document of an encounter."""

    id: Label | None = None
    text: NoteText = Field(repr=False, description="The document, exactly as evidence offsets will count it.")
    type: Label | None = Field(default=None, description="What kind of document it is, e.g. discharge summary.")


class PatientIn(Received):
    """Facts about the patient. Checked, used for this answer and forgotten; never stored or logged."""

    age_years: Annotated[float, Field(ge=0, le=150)] | None = Field(default=None, repr=False)
    sex: Literal["female", "male", "other", "unknown"] | None = Field(default=None, repr=False)
    reference: Annotated[Label, Field(min_length=1)] | None = Field(default=None, repr=False)


class CodeRequest(Received):
    """One encounter to code: exactly one of `text` and `documents`."""

    model_config = ConfigDict(json_schema_extra={"examples": [CODE_REQUEST]})

    text: NoteText | None = Field(
        default=None,
        repr=False,
        description=f"The note. At most {NOTE_CHARACTERS:,} characters, all documents of one encounter together.",
        json_schema_extra={"maxLength": NOTE_CHARACTERS},
    )
    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=DOCUMENTS)] | None = Field(
        default=None, repr=False, description="The documents of the encounter, coded together."
    )
    note_id: Label | None = Field(default=None, repr=False, description="Yours; comes back in the answer.")
    code_sets: list[Label] = Field(default=["icd-10-cm"], min_length=1, max_length=8)
    edition: Label | None = Field(default=None, description="Refused unless this edition is loaded.")
    service_date: date | None = Field(
        default=None,
        strict=False,
        description="Outside the loaded edition's validity the answer carries a warning. Not together with edition.",
    )
    top_k: int = Field(default=20, ge=1, le=TOP_K, description="Codes and candidates together.")
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="On `probability`; refused while no calibration is loaded."
    )
    calibration: Label = "general"
    widths: Literal["card", "balanced"] | None = Field(
        default=None, description="How many codes each search stage hands on; null = the service's default."
    )
    billable_only: bool = True
    assertion: Literal["filter", "annotate"] = "filter"
    encounter: Literal["outpatient", "inpatient"] = "outpatient"
    within: list[CodePrefix] = Field(
        default=[], max_length=WITHIN_PREFIXES, description="Code prefixes to stay inside; empty = all codes."
    )
    patient: PatientIn = Field(default=PatientIn(), repr=False)
    offset_unit: Literal["codepoint", "utf16"] = Field(
        default="codepoint",
        description="What offsets count: Unicode code points (Python) or UTF-16 code units (JavaScript, Java).",
    )

    @model_validator(mode="after")
    def _one_source_of_text(self) -> Self:
        if (self.text is None) == (self.documents is None):
            raise violation("Give exactly one of text and documents.")
        return self

    @model_validator(mode="after")
    def _one_way_to_name_an_edition(self) -> Self:
        if self.edition is not None and self.service_date is not None:
            raise violation("Give at most one of edition and service_date.", field="edition")
        return self

    @model_validator(mode="after")
    def _short_enough(self) -> Self:
        if sum(map(len, self.texts())) > NOTE_CHARACTERS:
            field = "documents" if self.text is None else "text"
            raise violation(f"Must have at most {NOTE_CHARACTERS:,} characters.", NOTE_CHARACTERS, field)
        return self

    def texts(self) -> list[str]:
        """The texts of all documents, in their order."""
        return [document.text for document in self.documents or ()] if self.text is None else [self.text]


# Each note is checked on its own, so that a bad one fails alone; the schema shows what is expected of it.
UncheckedNote = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/CodeRequest"})]


class BatchRequest(Received):
    """Encounters that are answered together. Each note is a request of its own, with its own options."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"notes": [CODE_REQUEST]}]})

    notes: list[UncheckedNote] = Field(min_length=1, max_length=BATCH_NOTES, repr=False)
