"""What a client gets for a look-up in the code set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class CodeName(BaseModel):
    """A code and its title."""

    code: str
    display: str
    billable: bool


class CodeDetail(CodeName):
    """One code and its place in the code set."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "J45.2",
                    "display": "Mild intermittent asthma",
                    "billable": False,
                    "system": "http://hl7.org/fhir/sid/icd-10-cm",
                    "edition": "2026-04",
                    "parent": "J45",
                    "ancestors": [{"code": "J45", "display": "Asthma", "billable": False}],
                    "children": [
                        {"code": "J45.20", "display": "Mild intermittent asthma, uncomplicated", "billable": True}
                    ],
                    "notes": {},
                    "surface_forms": ["Mild intermittent asthma"],
                }
            ]
        }
    )

    system: str
    edition: str
    parent: str | None
    ancestors: list[CodeName]
    children: list[CodeName]
    notes: dict[str, list[str]]
    surface_forms: list[str]


class CodeSearch(BaseModel):
    """Codes whose wordings match, best first."""

    system: str
    edition: str
    codes: list[CodeName]
