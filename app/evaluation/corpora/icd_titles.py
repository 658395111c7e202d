"""Titles of ICD codes from the dictionaries that come with MIMIC, their dots put back as the corpora write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from app.evaluation.corpora.coded_note import Label
from app.evaluation.corpora.reading import first_existing, read_lines, read_rows
from app.evaluation.errors import CorpusError

DICTIONARIES = (("d_icd_diagnoses.csv", True), ("d_icd_procedures.csv", False))  # file, holds diagnoses


def dotted(code: str, version: int, diagnosis: bool) -> str:
    """A code of the MIMIC tables, which leave the dot out, with its dot.

    ICD-9 diagnoses break after the third character (the fourth of an E code), ICD-9 procedures after the second,
    ICD-10 diagnoses after the third; ICD-10-PCS has no dot. As CAML's and Edin et al.'s preparation, but no dot ends
    a code (their "I10.").
    """
    plain = code.strip().replace(".", "").upper()
    if version == 10:
        place = 3 if diagnosis else len(plain)
    elif diagnosis:
        place = 4 if plain.startswith("E") else 3
    else:
        place = 2
    return undot(f"{plain[:place]}.{plain[place:]}")


def undot(code: str) -> str:
    """A code in upper case without a dot at its end."""
    return code.strip().upper().rstrip(".")


def titles(folder: Path, version: int) -> dict[str, str]:
    """{code with dot: long title} of an ICD version, from the MIMIC dictionaries and CAML's ICD9_descriptions.

    Reads D_ICD_DIAGNOSES.csv and D_ICD_PROCEDURES.csv (MIMIC-III) or d_icd_diagnoses.csv and d_icd_procedures.csv
    (MIMIC-IV, both versions in one file), plain or gzipped, then ICD9_descriptions where it is there. The first title
    of a code counts. Raises CorpusError when a dictionary is missing or malformed.
    """
    found: dict[str, str] = {}
    for name, diagnosis in DICTIONARIES:
        file = first_existing(folder, name, name.removesuffix(".csv").upper() + ".csv")
        if file is None:
            raise CorpusError(f"{folder} has no {name} ({name.removesuffix('.csv').upper()}.csv): titles of the codes")
        for code, title in _dictionary(file, version, diagnosis):
            found.setdefault(code, title)
    extra = folder / "ICD9_descriptions"
    if version == 9 and extra.is_file():
        for _, line in read_lines(extra):
            code, _, title = line.partition("\t")
            found.setdefault(undot(code), title.strip())
    return found


def label_codes(codes: Iterable[str], found: dict[str, str]) -> Iterator[Label]:
    """The codes in order with their titles; a code that no dictionary names is its own title."""
    return (Label(code, found.get(code) or code) for code in sorted(set(codes)))


def _dictionary(file: Path, version: int, diagnosis: bool) -> Iterator[tuple[str, str]]:
    old = file.name.startswith("D_")  # MIMIC-III: no version column, ICD-9 throughout
    columns = ("icd9_code", "long_title") if old else ("icd_code", "icd_version", "long_title")
    for _, row in read_rows(file, columns):
        if old or row["icd_version"].strip() == str(version):
            yield dotted(row[columns[0]], version, diagnosis), row["long_title"].strip()
