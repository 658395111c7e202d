"""What a request names against what is loaded: code set, edition, calibration, date of service."""

from __future__ import annotations

from app.api.schemas.request import CodeRequest
from app.api.validity import validity
from app.errors import FieldError, InvalidField, NotLoaded
from app.pipeline.coder import DEFAULT_CALIBRATION, Coder
from app.pipeline.coding import Caution


def check_loaded(request: CodeRequest, coder: Coder) -> None:
    """Raise NotLoaded for what this service does not hold, naming what it does hold."""
    catalog = coder.catalog
    wrong = []
    if set(request.code_sets) != {catalog.name}:
        wrong.append(_missing("code_sets", catalog.name))
    if request.edition not in (None, catalog.edition, f"{catalog.name} {catalog.edition}"):
        wrong.append(_missing("edition", catalog.edition))
    loaded = coder.versions.calibrations or (DEFAULT_CALIBRATION,)
    if request.calibration not in loaded:
        wrong.append(_missing("calibration", " or ".join(sorted(loaded))))
    if wrong:
        raise NotLoaded("Loaded here: " + ", ".join(f"{e.field} {e.limit}" for e in wrong) + ".", *wrong)


def check_threshold(request: CodeRequest, coder: Coder) -> None:
    """A threshold is on the probability: refused while there is none."""
    if request.threshold is not None and not coder.versions.calibrations:
        message = "Must be null: it is on the probability, and no calibration is loaded."
        raise InvalidField("1 field breaks the contract.", FieldError("threshold", message))


def date_warnings(request: CodeRequest, coder: Coder) -> tuple[Caution, ...]:
    """A warning if the date of service lies outside the loaded edition's validity."""
    period = validity(coder.catalog.name, coder.catalog.edition)
    if request.service_date is None or period is None or period.covers(request.service_date):
        return ()
    message = (
        f"The loaded edition {coder.catalog.edition} is valid from {period.first} to {period.last}; "
        "the date of service is outside, so codes may differ in the edition of that day."
    )
    return (Caution(rule="service-date-outside-edition", message=message),)


def _missing(field: str, loaded: str) -> FieldError:
    return FieldError(field, f"Not loaded here. Loaded: {loaded}.", loaded)
