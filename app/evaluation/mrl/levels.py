"""Chapter, category and code: the three granularities at which a prefix is asked what it knows."""

from __future__ import annotations

from bisect import bisect_right

from app.evaluation.errors import EvaluationError
from model.metrics.ranking import CATEGORY_LENGTH

LEVELS = ("chapter", "category", "code")

_CHAPTERS = (
    ("A00", "infections"),
    ("C00", "neoplasms"),
    ("D50", "blood and immune"),
    ("E00", "endocrine, nutritional, metabolic"),
    ("F01", "mental"),
    ("G00", "nervous system"),
    ("H00", "eye"),
    ("H60", "ear"),
    ("I00", "circulatory"),
    ("J00", "respiratory"),
    ("K00", "digestive"),
    ("L00", "skin"),
    ("M00", "musculoskeletal"),
    ("N00", "genitourinary"),
    ("O00", "pregnancy and childbirth"),
    ("P00", "perinatal"),
    ("Q00", "congenital"),
    ("R00", "symptoms and findings"),
    ("S00", "injury and poisoning"),
    ("U00", "special purposes"),
    ("V00", "external causes"),
    ("Z00", "health status and contacts"),
)
"""First category and short name of each chapter of ICD-10-CM, in order; a chapter reaches up to the next one."""

_FIRST = [first for first, _ in _CHAPTERS]


def chapter(code: str) -> str:
    """The chapter of an ICD-10-CM code. Raises EvaluationError for a code before the first chapter."""
    place = bisect_right(_FIRST, code[:CATEGORY_LENGTH].upper()) - 1
    if place < 0 or not code[:1].isalpha():
        raise EvaluationError(f"{code} is in no chapter of ICD-10-CM")
    return _CHAPTERS[place][1]


def at_level(code: str, level: str) -> str:
    """The name of a code's chapter or category, or the code itself."""
    if level == "chapter":
        return chapter(code)
    return code[:CATEGORY_LENGTH] if level == "category" else code
