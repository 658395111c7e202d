"""The answer to one note as a FHIR R4 Bundle: a resource per code, and a Provenance with what made them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from app.api.fhir.resources import TERMINOLOGY, Resource, plain, to_document, to_resource
from app.api.schemas.request import CodeRequest
from app.api.schemas.response import CodeOut, CodeResponse, VersionsOut
from app.errors import FieldError, InvalidField
from app.pipeline.coding import Assertion

FHIR_JSON: Final = "application/fhir+json"
_SUBJECT: Final = re.compile(
    r"(https?://[^\s#?]+/)?(Patient|Group)/[A-Za-z0-9.-]{1,64}(/_history/[A-Za-z0-9.-]{1,64})?"
    r"|urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|urn:oid:[0-2](\.(0|[1-9][0-9]*))+"
)
_ASIDE: Final = (Assertion.POSSIBLE, Assertion.HISTORICAL)


def subject_of(request: CodeRequest) -> str:
    """The reference to the patient; raises InvalidField if there is none, or none that FHIR could resolve."""
    reference = request.patient.reference
    if reference is None:
        raise _invalid(f"Is required for {FHIR_JSON}.")
    if not _SUBJECT.fullmatch(reference):
        raise _invalid("Must be Patient/<id> or Group/<id>, an absolute URL of one, urn:uuid:<uuid> or urn:oid:<oid>.")
    return reference


def to_bundle(answer: CodeResponse, subject: str, offset_unit: str, recorded: datetime) -> Resource:
    """A collection: the codes, the candidates that are possible or historical, and what the note negates.

    The request id and the codes decide every fullUrl: the same answer under the same id has the same. subject: a
    reference to the patient. offset_unit: what the answer's offsets count. recorded: now, with a time zone. Behind the
    codes stand a DocumentReference for each document that they rest on, and a Provenance with what made them.
    """
    request = UUID(answer.request_id)
    instant = instant_of(recorded)
    bundle: Resource = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": request.urn},
        "type": "collection",
        "timestamp": instant,
    }
    items = list(_items(answer))
    documents = [uuid5(request, f"document {number}").urn for number in range(1 + _last_document(items))]
    coded = [
        (item, {"fullUrl": uuid5(request, f"{item.system}|{item.edition}|{item.code}").urn, "resource": resource})
        for item in items
        if (resource := to_resource(item, subject, offset_unit, documents)) is not None
    ]
    if not coded:
        return bundle  # FHIR has no empty lists, and a Provenance needs a target
    used = sorted({evidence.document for item, _ in coded for evidence in item.evidence})
    sources = [{"fullUrl": documents[number], "resource": to_document(number, subject)} for number in used]
    entries = [entry for _, entry in coded]
    provenance = _provenance(answer, _urls(entries), _urls(sources), instant)
    last = {"fullUrl": uuid5(request, "Provenance").urn, "resource": provenance}
    return bundle | {"entry": [*entries, *sources, last]}


def instant_of(recorded: datetime) -> str:
    """A time as FHIR's instant in UTC, to the second."""
    return recorded.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _items(answer: CodeResponse) -> Iterator[CodeOut]:
    yield from answer.codes
    # These stand aside for what the note says of them; the other candidates are below the threshold.
    yield from (item for item in answer.candidates if item.assertion in _ASIDE)
    yield from (item for item in answer.suppressed if item.assertion is Assertion.NEGATED)


def _last_document(items: list[CodeOut]) -> int:
    return max((evidence.document for item in items for evidence in item.evidence), default=-1)


def _urls(entries: list[Resource]) -> list[str]:
    return [entry["fullUrl"] for entry in entries]


def _provenance(answer: CodeResponse, targets: list[str], sources: list[str], instant: str) -> Resource:
    assembler = {"coding": [{"system": f"{TERMINOLOGY}provenance-participant-type", "code": "assembler"}]}
    whats: list[Resource] = [{"reference": source} for source in sources]
    if note_id := plain(answer.note_id or "").strip():
        whats.append({"identifier": {"value": note_id}})
    return {
        "resourceType": "Provenance",
        "contained": [_device(answer.versions)],
        "target": [{"reference": target} for target in targets],
        "recorded": instant,
        "agent": [{"type": assembler, "who": {"reference": "#software"}}],
        "entity": [{"role": "source", "what": what} for what in whats],
    }


def _device(versions: VersionsOut) -> Resource:
    named = versions.model_dump(exclude_none=True)
    return {
        "resourceType": "Device",
        "id": "software",
        "deviceName": [{"name": "icd-cascade", "type": "model-name"}],
        "version": [{"type": {"text": name}, "value": version} for name, version in named.items()],
    }


def _invalid(message: str) -> InvalidField:
    return InvalidField("1 field breaks the contract.", FieldError("patient.reference", message))
