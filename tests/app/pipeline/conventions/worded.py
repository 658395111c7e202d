"""Items whose evidence is words of a text, with the titles of their codes."""

from __future__ import annotations

from app.pipeline.coding import Assertion, CodedItem, Evidence
from index_builder.codesets.icd10cm import ICD10CM

TITLES = {code.code: code.title for code in ICD10CM().codes() if code.billable}


def item(code: str, probability: float, text: str = "", words: str = "") -> CodedItem:
    """An item read from the first place of `words` in the text; without evidence where there are none."""
    evidence: tuple[Evidence, ...] = ()
    if words:
        at = text.index(words)
        evidence = (Evidence(0, at, at + len(words), words, 0.9, None, Assertion.PRESENT),)
    return CodedItem(code, TITLES[code], "cm", "2026-04", 1, probability, probability, True, evidence, {})
