"""Titles of ICD-10-PCS as clinicians say them: the operation by its everyday name, the body part as it is.

A root operation is a definition ("Excision, Diagnostic"), a clinician's word a procedure ("biopsy"). A rule says, for
codes that fit its places, how the title's body part is named with it. Root operations are those of the ICD-10-PCS
Official Guidelines for Coding and Reporting (CMS).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PART = re.compile(
    r"^(?:Extirpation of Matter from|Plain Radiography of|Computerized Tomography \(CT Scan\) of|"
    r"Magnetic Resonance Imaging \(MRI\) of|[A-Z][a-z]+(?: of| in| at| into)?)"
    r" (?P<part>[A-Z].*?)(?P<rest>(?: with| using| to| from|,(?! Left| Right| Bilateral)) .*)?$"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """Wordings for codes whose seven places fit; {part} is the body part in small letters."""

    places: re.Pattern[str]
    wordings: tuple[str, ...]


def _rule(places: str, *wordings: str) -> Rule:
    return Rule(re.compile(places), wordings)


_RULES = (
    _rule(r"0.[BD].0.X", "open biopsy of {part}", "{part} biopsy"),
    _rule(r"0.[BD].3.X", "needle biopsy of {part}", "percutaneous biopsy of {part}", "{part} biopsy"),
    _rule(r"0.[BD].4.X", "{part} biopsy through a scope"),
    _rule(r"0.[BD].[78].X", "endoscopic biopsy of {part}", "{part} biopsy"),
    _rule(r"0.[BD].X.X", "biopsy of {part}", "{part} biopsy"),
    _rule(r"0.9.3.X", "fine needle aspiration of {part}", "diagnostic aspiration of {part}"),
    _rule(r"0D[BD].8.Z", "endoscopic polypectomy of {part}", "polyp of {part} removed by snare"),
    _rule(r"0.B.0.Z", "{part} tumor removed", "excision of {part} lesion"),
    _rule(r"0.T...Z", "removal of {part}", "{part} removed"),
    _rule(r"0[2-6]7.3[4-7DEFG]Z", "stent in {part}", "{part} angioplasty with stent"),
    _rule(r"0[2-6]7.3ZZ", "balloon angioplasty of {part}"),
    _rule(r"0[BCDFTUV]7.[78]DZ", "stent in {part}", "{part} stent"),
    _rule(r"0[BCDFTUV]7.[78]ZZ", "balloon dilation of {part}", "{part} dilated"),
    _rule(r"0[3-6]C.[03]..", "thrombectomy of {part}", "clot removed from {part}"),
    _rule(r"0[FT]C.[34]..", "percutaneous stone removal from {part}"),
    _rule(r"0[FT]C.[78]..", "endoscopic stone extraction from {part}"),
    _rule(r"0[FT]F", "lithotripsy of stone in {part}"),
    _rule(r"0[NPQ]S.04Z", "ORIF of {part} fracture", "plate and screw fixation of {part}"),
    _rule(r"0[NPQ]S.[03]6Z", "intramedullary nailing of {part}", "IM nail of {part} fracture"),
    _rule(r"0[NPQ]S.34Z", "closed reduction and percutaneous pinning of {part} fracture"),
    _rule(r"0[NPQ]S.[03]5Z", "external fixation of {part} fracture"),
    _rule(r"0[NPQRS]S.XZZ", "closed reduction of {part}", "{part} reduced"),
    _rule(r"0[RS]R.0..", "{part} arthroplasty", "{part} replaced with prosthesis"),
    _rule(r"0[RS]J.4ZZ", "diagnostic arthroscopy of {part}"),
    _rule(r"0.Y", "{part} transplant"),
    _rule(r"0[XY]6", "amputation of {part}"),
    _rule(r"0[DFU]N.[04]ZZ", "lysis of adhesions of {part}"),
    _rule(r"0[01]N.[04]ZZ", "decompression of {part}"),
    _rule(r"0.J.8ZZ", "endoscopy of {part}"),
    _rule(r"0HQ.XZZ", "laceration of {part} sutured"),
    _rule(r"0KQ.0ZZ", "{part} laceration repair"),
    _rule(r"0W9.30Z", "drain placed in {part}", "percutaneous catheter drainage of {part}"),
    _rule(r"0[BDFTW]9.3.Z", "percutaneous drainage of {part}"),
    _rule(r"0J9.0", "incision and drainage of {part}"),
    _rule(r"B.0.Z", "{part} x-ray", "plain film of {part}"),
    _rule(r"B.2.Z", "{part} CT", "CT scan of {part}"),
    _rule(r"B.2.[01Y]", "{part} CT with contrast", "contrast-enhanced CT of {part}"),
    _rule(r"B.3.Z", "{part} MRI", "MRI of {part}"),
    _rule(r"B.3.[0Y]", "{part} MRI with contrast", "MRI of {part} with gadolinium"),
    _rule(r"B.4.Z", "{part} ultrasound", "{part} sonogram"),
    _rule(r"B[234]1", "{part} angiography", "{part} angiogram"),
    _rule(r"B51", "{part} venography"),
    _rule(r"BD1", "{part} barium study"),
)
_SHORT = (  # as a title names the part, and as it is said
    (re.compile(r"\bUpper Femur\b"), "proximal femur"),
    (re.compile(r"\bLower Femur\b"), "distal femur"),
    (re.compile(r"\b(Upper|Middle|Lower) Lung Lobe\b"), r"\1 lobe of lung"),
    (re.compile(r"\bLarge Intestine\b"), "colon"),
    (re.compile(r"\bSubcutaneous Tissue and Fascia\b"), "soft tissue"),
    (re.compile(r"\b(Knee|Hip|Shoulder|Elbow|Ankle|Wrist) Joint\b"), r"\1"),
    (re.compile(r"\bHumeral Head\b"), "proximal humerus"),
    (re.compile(r"\bTracheobronchial Tree\b"), "airways"),
)


def synonyms(code: str, title: str) -> Iterator[str]:
    """What clinicians call a code of seven places besides its title; nothing where no rule fits."""
    part = body_part(title)
    if part:
        for rule in _RULES:
            if rule.places.match(code):
                yield from (wording.format(part=part) for wording in rule.wordings)


def body_part(title: str) -> str:
    """The body part as it is said: "Excision of Right Upper Lung Lobe, Open Approach" -> "right upper lobe of lung"."""
    found = _PART.match(title)
    if found is None:
        return ""
    part = found["part"]
    for pattern, said in _SHORT:
        part = pattern.sub(said, part)
    return part.lower()
