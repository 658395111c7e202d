"""Codes against the patient's age and sex, when these are given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.edits.case import Case, Finding
from app.edits.facts import Facts
from app.pipeline.coding import Caution

_FILE = Path(__file__).parents[1] / "data" / "patient.json"
OLDEST = 150.0


@dataclass(frozen=True, slots=True)
class AgeRange:
    """Codes of patients from `least` to below `below` years: by beginnings of codes, or by a pattern of titles."""

    name: str
    least: float
    below: float
    codes: tuple[str, ...]
    title: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Sex:
    """Codes of one sex, in the same way; `spared` chapters speak of the mother or of relatives."""

    name: str
    codes: tuple[str, ...]
    title: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class PatientRules:
    """data/patient.json."""

    ages: tuple[AgeRange, ...]
    sexes: tuple[Sex, ...]
    spared: tuple[str, ...]


@cache
def patient_rules() -> PatientRules:
    """data/patient.json, read once."""
    raw = json.loads(_FILE.read_text(encoding="utf-8"))
    ages = tuple(
        AgeRange(row["name"], row["least"], row.get("below", OLDEST), tuple(row["codes"]), _words(row.get("title", [])))
        for row in raw["ages"]
    )
    sexes = tuple(
        Sex(row["name"], tuple(row["codes"]), _words(row["title"]) or re.compile("$^")) for row in raw["sexes"]
    )
    return PatientRules(ages, sexes, tuple(raw["spared"]))


def ages(case: Case) -> Iterator[Finding]:
    """Codes of another age; silent where the age is not given."""
    age = case.patient.age_years
    if age is None:
        return
    for item in case.codes:
        wanted = age_range(case.book.of(item.code))
        if wanted is not None and not wanted.least <= age < wanted.below:
            message = f"{item.code} is for {wanted.name}; the age given does not fit."
            yield Finding(Caution("age-conflict", message, (item.code,)), on=(item.code,))


def sexes(case: Case) -> Iterator[Finding]:
    """Codes of the other sex; silent unless the sex given is female or male."""
    sex = case.patient.sex
    if sex not in ("female", "male"):
        return
    for item in case.codes:
        wanted = sex_of(case.book.of(item.code))
        if wanted is not None and wanted != sex:
            message = f"{item.code} is for {wanted} patients; the sex given is {sex}."
            yield Finding(Caution("sex-conflict", message, (item.code,)), on=(item.code,))


def age_range(facts: Facts) -> AgeRange | None:
    """The ages that a code is for, the first of the table that names it; None for most codes."""
    title = facts.title.lower()
    for row in patient_rules().ages:
        if facts.code.startswith(row.codes) or (row.title is not None and row.title.search(title)):
            return row
    return None


def sex_of(facts: Facts) -> str | None:
    """ "female" or "male" for codes of one sex, None for all others."""
    known = patient_rules()
    if facts.code.startswith(known.spared):
        return None
    by_code = [sex.name for sex in known.sexes if facts.code.startswith(sex.codes)]
    title = facts.title.lower()
    named = by_code or [sex.name for sex in known.sexes if sex.title.search(title)]
    return named[0] if len(named) == 1 else None


def _words(words: list[str]) -> re.Pattern[str] | None:
    return re.compile(rf"\b(?:{'|'.join(words)})\b") if words else None
