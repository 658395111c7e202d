"""Diseases with several names and a definition, from questions and answers that nobody coded, as training terms.

The tables of a code set teach which wordings its codes have; they say little of what a name means that no table
lists beside its title. A disease here stands as a pseudo-code of its own: its names are wordings of one another.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from app.evaluation.errors import CorpusError
from model.training.pairs import Term

MARK = "="  # first character of a pseudo-code: no code of a code set begins with it
WEIGHT = 0.25  # of a name beside a code's wording: rare diseases should not fill the batches
DEFINITION = 40  # most words of a definition

_ABBREVIATION = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,9}")
_SENTENCE = re.compile(r"(?<=[a-z)])\.\s")
_SUMMARY = re.compile(r"^\s*(?:summary|description|definition)\s*:\s*", re.IGNORECASE)


def name_terms(file: Path, *, without: Collection[str] = ()) -> list[Term]:
    """The names of each disease in a MedQuAD file, JSON lines with focus, synonyms, qtype and answer, maybe gzipped.

    without: casefolded wordings that must not be among them: those held out to measure with. Names of capitals alone
    are left out: without their note nobody knows what they stand for. Raises CorpusError.
    """
    names: dict[str, dict[str, bool]] = {}
    for number, row in _rows(file):
        focus = str(row.get("focus") or "").strip()
        synonyms = row.get("synonyms") or []
        if not isinstance(synonyms, list):
            raise CorpusError(f"{file} line {number}: synonyms must be a list")
        if not focus:  # some answers are about no one disease
            continue
        of_focus = names.setdefault(focus.casefold(), {focus: True})
        for name in map(str, synonyms):
            if not _ABBREVIATION.fullmatch(name.strip()):
                of_focus.setdefault(name.strip(), False)
        if row.get("qtype") == "information" and (definition := _definition(str(row.get("answer") or ""))):
            of_focus.setdefault(definition, False)
    return [
        Term(MARK + focus, (name,), name, title, WEIGHT)
        for focus, of_focus in names.items()
        if len(kept := {n: t for n, t in of_focus.items() if n and n.casefold() not in without}) > 1
        for name, title in kept.items()
    ]


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise CorpusError(f"{file} line {number}: expected a JSON object")
                yield number, row
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorpusError(f"{file}: not JSON lines: {error}") from error


def _definition(answer: str) -> str:
    """The first sentence of an answer; empty where that is longer than a definition is."""
    sentence = _SENTENCE.split(_SUMMARY.sub("", answer.strip()), maxsplit=1)[0].strip().rstrip(".")
    return sentence if 4 <= len(sentence.split()) <= DEFINITION else ""
