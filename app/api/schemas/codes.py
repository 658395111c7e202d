"""What a client gets for a look-up in the code set."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CodeName(BaseModel):
    """A code and its title."""

    code: str
    display: str
    billable: bool


class MappedCode(BaseModel):
    """A code that another code set says the same with. scenario and choice are null outside combinations."""

    code: str
    display: str | None = Field(description="null: no loaded edition has the code.")
    approximate: bool = Field(description="It says about the same, not exactly.")
    combination: bool = Field(description="Only together with one code of each other choice of its scenario.")
    scenario: int | None
    choice: int | None


class CodeMap(BaseModel):
    """What CMS's general equivalence mappings say of a code in one direction."""

    code_set: str
    edition: str = Field(description="Of the mappings, e.g. 2018.")
    no_map: bool = Field(description="No code of that code set says it; codes is empty then.")
    codes: list[MappedCode]


class CodeDetail(CodeName):
    """One code and its place in the code set."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "J45.2",
                    "display": "Mild intermittent asthma",
                    "billable": False,
                    "code_set": "icd-10-cm",
                    "system": "http://hl7.org/fhir/sid/icd-10-cm",
                    "edition": "2026-04",
                    "parent": "J45",
                    "ancestors": [{"code": "J45", "display": "Asthma", "billable": False}],
                    "children": [
                        {"code": "J45.20", "display": "Mild intermittent asthma, uncomplicated", "billable": True}
                    ],
                    "notes": {},
                    "surface_forms": ["Mild intermittent asthma"],
                    "maps": [],
                }
            ]
        }
    )

    code_set: str
    system: str
    edition: str
    parent: str | None
    ancestors: list[CodeName]
    children: list[CodeName]
    notes: dict[str, list[str]]
    surface_forms: list[str]
    maps: list[CodeMap] = Field(description="To codes of other code sets; empty without a cross-walk, or for headers.")


class CodeSearch(BaseModel):
    """Codes whose wordings match, best first."""

    code_set: str
    system: str
    edition: str
    codes: list[CodeName]
