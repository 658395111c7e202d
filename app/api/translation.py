"""Between the shapes of HTTP and the values of the pipeline."""

from __future__ import annotations

from dataclasses import replace

from app.api.editions import check_calibration, check_threshold, code_sets_of, date_warnings
from app.api.offsets import Utf16Offsets
from app.api.schemas.request import CodeRequest
from app.api.schemas.response import CodeResponse, EvidenceOut, VersionsOut
from app.pipeline.coder import DEFAULT_CALIBRATION, Coder, Versions
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note, Patient
from app.pipeline.shelved import versions_of
from app.serving.work import Work
from app.version import VERSION


def to_work(request: CodeRequest, coder: Coder) -> Work:
    """A request for the pipeline; raises NotLoaded or InvalidField for what the loaded coder cannot do."""
    code_sets = code_sets_of(request, coder)
    check_calibration(request, coder)
    check_threshold(request, coder)
    return Work(_note(request), replace(_options(request), code_sets=code_sets))


def to_response(request: CodeRequest, coding: Coding, coder: Coder, request_id: str) -> CodeResponse:
    """The answer to one note, offsets in the unit that was asked for."""
    response = CodeResponse(
        request_id=request_id,
        note_id=request.note_id,
        codes=list(coding.codes),  # type: ignore[arg-type]  # read by attribute
        candidates=list(coding.candidates),  # type: ignore[arg-type]
        suppressed=list(coding.suppressed),  # type: ignore[arg-type]
        versions=versions_out(versions_of(coder, code_sets_of(request, coder)), request.calibration),
        timings_ms={stage: round(ms, 3) for stage, ms in coding.timings_ms.items()},
        warnings=[*date_warnings(request, coder), *coding.warnings],  # type: ignore[list-item]
        truncated=coding.truncated,
    )
    if request.offset_unit == "utf16":
        _count_in_utf16(response, request.texts())
    return response


def versions_out(versions: Versions, calibration: str = DEFAULT_CALIBRATION) -> VersionsOut:
    """The versions as answers name them, with this calibration's."""
    return VersionsOut(
        service=VERSION,
        model=versions.model,
        index=versions.index,
        code_set=versions.code_set,
        calibration=versions.calibrations.get(calibration),
    )


def _note(request: CodeRequest) -> Note:
    if request.documents is None:
        return Note(tuple(Document(text) for text in request.texts()))
    return Note(tuple(Document(text=d.text, id=d.id, type=d.type) for d in request.documents))


def _options(request: CodeRequest) -> CodingOptions:
    options = CodingOptions(
        top_k=request.top_k,
        billable_only=request.billable_only,
        within=tuple(prefix.upper() for prefix in request.within),
        assertion=request.assertion,
        encounter=request.encounter,
        calibration=request.calibration,
        threshold=request.threshold,
        patient=Patient(request.patient.age_years, request.patient.sex),
    )
    return options if request.widths is None else replace(options, widths=request.widths)


def _count_in_utf16(response: CodeResponse, texts: list[str]) -> None:
    offsets = [Utf16Offsets(text) for text in texts]
    for evidence in _all_evidence(response):
        convert = offsets[evidence.document].convert
        evidence.start, evidence.end = convert(evidence.start), convert(evidence.end)


def _all_evidence(response: CodeResponse) -> list[EvidenceOut]:
    items = [*response.codes, *response.candidates, *response.suppressed]
    return [evidence for item in items for evidence in item.evidence]
