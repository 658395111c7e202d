"""What a request names against what is loaded: code sets, edition, calibration, date of service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.api.schemas.request import CodeRequest
from app.api.validity import validity
from app.errors import FieldError, InvalidField, NotLoaded
from app.pipeline.coder import DEFAULT_CALIBRATION, Coder
from app.pipeline.coding import Caution
from app.pipeline.shelved import catalogs_of, name_of, versions_of
from index_builder.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Asked:
    """Which releases are asked for. edition: "2026-04", or with its code set where there are several."""

    code_sets: Sequence[str]
    edition: str | None = None
    day: date | None = None


def chosen(asked: Asked, coder: Coder) -> tuple[Catalog, ...]:
    """One loaded edition of each code set, in the order asked for; raises NotLoaded, naming all that are loaded.

    Without an edition that of the date of service, else the first loaded. An edition without a code set is asked of
    every code set; one with its code set ("icd-10-cm 2025-10") of that one only.
    """
    loaded, found = catalogs_of(coder), []
    wrong: dict[str, str] = {}
    for name in dict.fromkeys(asked.code_sets):
        editions = [catalog for catalog in loaded if catalog.name == name]
        fitting = [catalog for catalog in editions if _is_edition(catalog, asked.edition)]
        if not editions:
            wrong["code_sets"] = ", ".join(dict.fromkeys(catalog.name for catalog in loaded))
        elif not fitting:
            wrong["edition"] = ", ".join(map(name_of, loaded))
        else:
            found.append(_on(asked.day, fitting))
    if asked.edition is not None and not any(_names(catalog, asked.edition) for catalog in loaded):
        wrong["edition"] = ", ".join(map(name_of, loaded))
    if wrong:
        holds = ", ".join(map(name_of, loaded))
        raise NotLoaded(f"Loaded here: {holds}.", *(_missing(field, names) for field, names in wrong.items()))
    return tuple(found)


def asked_by(request: CodeRequest) -> Asked:
    """The releases that a note is to be coded with."""
    return Asked(request.code_sets, request.edition, request.service_date)


def code_sets_of(request: CodeRequest, coder: Coder) -> tuple[str, ...]:
    """The chosen releases as options and versions name them; raises NotLoaded."""
    return tuple(map(name_of, chosen(asked_by(request), coder)))


def check_calibration(request: CodeRequest, coder: Coder) -> None:
    """Raise NotLoaded for a calibration that this service does not hold, naming those that it does."""
    loaded = versions_of(coder, ()).calibrations or (DEFAULT_CALIBRATION,)
    if request.calibration not in loaded:
        names = " or ".join(sorted(loaded))
        raise NotLoaded(f"Loaded here: calibration {names}.", _missing("calibration", names))


def check_threshold(request: CodeRequest, coder: Coder) -> None:
    """A threshold is on the probability: refused while there is none."""
    if request.threshold is not None and not coder.versions.calibrations:
        message = "Must be null: it is on the probability, and no calibration is loaded."
        raise InvalidField("1 field breaks the contract.", FieldError("threshold", message))


def date_warnings(request: CodeRequest, coder: Coder) -> tuple[Caution, ...]:
    """A warning for each chosen edition in whose validity the date of service does not lie."""
    if request.service_date is None:
        return ()
    warnings = []
    for catalog in chosen(asked_by(request), coder):
        period = validity(catalog.name, catalog.edition)
        if period is None or period.covers(request.service_date):
            continue
        message = (
            f"The loaded edition {catalog.edition} of {catalog.name} is valid from {period.first} to {period.last}; "
            "the date of service is outside, so codes may differ in the edition of that day."
        )
        warnings.append(Caution(rule="service-date-outside-edition", message=message))
    return tuple(warnings)


def _is_edition(catalog: Catalog, edition: str | None) -> bool:
    """Whether the edition may be answered with: any where none is asked for, or where another code set's is."""
    of_another = edition is not None and " " in edition and not edition.startswith(f"{catalog.name} ")
    return edition is None or of_another or _names(catalog, edition)


def _names(catalog: Catalog, edition: str) -> bool:
    return edition in (catalog.edition, name_of(catalog))


def _on(day: date | None, editions: Sequence[Catalog]) -> Catalog:
    """The first edition that is in force on that day, or the first of all."""
    periods = [(catalog, validity(catalog.name, catalog.edition)) for catalog in editions]
    return next((catalog for catalog, period in periods if day and period and period.covers(day)), editions[0])


def _missing(field: str, loaded: str) -> FieldError:
    return FieldError(field, f"Not loaded here. Loaded: {loaded}.", loaded)
