from __future__ import annotations

import pytest

from app.api.negotiation import choose

OFFERED = ("application/json", "application/fhir+json")
PLAIN, FHIR = OFFERED


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("application/*", PLAIN),
        ("application/fhir+json", FHIR),
        ("Application/FHIR+JSON ; charset=utf-8", FHIR),
        ("application/fhir+json; fhirVersion=4.0", FHIR),
        ("application/fhir+json; fhirVersion=5.0", None),
        ("application/fhir+xml, application/fhir+json", FHIR),
        ("application/json;q=0.4, application/fhir+json;q=0.5", FHIR),
        ("application/fhir+json;q=0.4, */*", PLAIN),
        ("application/fhir+json, */*", FHIR),
        ("*/*, application/fhir+json", FHIR),
        ("application/fhir+json, application/json", FHIR),
        ("application/json, application/fhir+json", PLAIN),
        ("*/*, application/json;q=0", FHIR),
        ("text/html, */*;q=0.1", PLAIN),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("application/json;q=2, application/fhir+json;q=0.1", FHIR),
        ("gibberish", None),
    ],
)
def test_most_wanted_of_the_offered_types_is_chosen(accept: str, chosen: str | None) -> None:
    assert choose(accept, OFFERED) == chosen
