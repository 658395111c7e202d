"""How a clinician might put a term: sentence templates and small disturbances for training queries.

Queries at serving time are clauses of notes, the targets are terms of code tables. A term alone would teach the
encoder tables against tables only, so most queries are put into a clause of a note first.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from model.training.text import Inside

TEMPLATES = (
    "{}",
    "{}",
    "{}",
    "{}",
    "history of {}",
    "a history of {}",
    "past medical history is significant for {}",
    "known {}",
    "diagnosed with {}",
    "was diagnosed with {} several years ago",
    "presents with {}",
    "presented to the emergency department with {}",
    "who came in complaining of {}",
    "complains of {}",
    "reports {} for the past three days",
    "{} for two weeks",
    "{} since yesterday",
    "admitted for {}",
    "was admitted to the hospital for treatment of {}",
    "treated for {}",
    "on medication for {}",
    "being followed for {}",
    "follow-up of {}",
    "status post treatment of {}",
    "status post {}",
    "consistent with {}",
    "findings consistent with {}",
    "suggestive of {}",
    "imaging showed {}",
    "CT scan revealed {}",
    "MRI demonstrated {}",
    "x-ray confirmed {}",
    "biopsy confirmed {}",
    "examination revealed {}",
    "physical examination was notable for {}",
    "the patient developed {}",
    "the course was complicated by {}",
    "with {}",
    "secondary to {}",
    "evidence of {}",
    "assessment: {}",
    "impression: {}",
    "diagnosis: {}",
    "final diagnosis: {}",
    "{} was noted",
    "{} was found on evaluation",
    "the patient has {}",
    "a 54-year-old woman with {}",
    "a 67-year-old man with {}",
    "a child with {}",
    "he also has {}",
    "she suffers from {}",
    "chronic problems include {}",
    "because of {}",
    "stable {}",
    "worsening {}",
    "new onset {}",
)

# Without its side, number or "not" a wording is another code's.
_DECIDING = re.compile(r"\d|^(?:right|left|bilateral|both|not?|without|with|non.*|type|stage|[ivx]+)\b", re.IGNORECASE)
# "Laceration, perforation, tear or chemical damage": a note has one of them.
_CONNECTOR = (
    r"(?:of|in|with|without|due|to|from|by|at|on|for|and|or|not|following|during|as|the|than|its|other|between|into)"
)
_ITEM = rf"(?!{_CONNECTOR}\b)[\w'\[\]-]+(?: (?!{_CONNECTOR}\b)[\w'\[\]-]+){{0,2}}"
_LIST = re.compile(rf"\b(?P<items>{_ITEM}(?:, {_ITEM})*),? (?:and|or) (?P<last>{_ITEM})", re.IGNORECASE)
_FILLERS = re.compile(
    r"\b(?:unspecified|other specified|not elsewhere classified|without mention of [a-z ]+|other|NOS|NEC)\b,?\s*",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r", (?:initial encounter|subsequent encounter|sequela).*$",
    re.IGNORECASE,
)
_JOINTS = (", ", " and ", ". ", ".\n", "; ", ", with ")
_BRACKETS = re.compile(r"\s*[\[(][^\])]*[\])]")


def disturb(term: str, rng: random.Random) -> str:
    """A term as somebody in a hurry writes it: one of what it lists, filler left out, a word dropped or swapped."""
    text = _EXTENSION.sub("", term) if rng.random() < 0.7 else term
    if rng.random() < 0.3:
        text = _one_listed(text, rng)
    if rng.random() < 0.5:
        text = _FILLERS.sub("", text)
    if rng.random() < 0.5:
        text = _BRACKETS.sub("", text)
    words = text.replace(",", " ").split() if rng.random() < 0.3 else text.split()
    if len(words) > 3 and rng.random() < 0.15:
        at = rng.randrange(len(words))
        if not _DECIDING.search(words[at]):
            words.pop(at)
    if len(words) > 2 and rng.random() < 0.1:
        at = rng.randrange(len(words) - 1)
        words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words).strip(" ,;") or term


def _one_listed(text: str, rng: random.Random) -> str:
    """The text with one of the items of its first list, where enough is left to tell what it is about."""
    found = _LIST.search(text)
    if found is None:
        return text
    one = rng.choice([*found["items"].split(", "), found["last"]])
    shorter = f"{text[: found.start()]}{one}{text[found.end() :]}"
    return shorter if len(shorter.split()) > 1 else text


def in_clause(term: str, rng: random.Random) -> str:
    """The term inside a clause of a note."""
    return rng.choice(TEMPLATES).format(term)


def inside(clause: str, others: Sequence[str], rng: random.Random) -> Inside:
    """The clause inside a passage with other clauses before and after it, joined as notes join them."""
    cut = rng.randint(0, len(others))
    before = "".join(other + rng.choice(_JOINTS) for other in others[:cut])
    after = "".join(rng.choice(_JOINTS) + other for other in others[cut:])
    return Inside(before + clause + after, len(before), len(before) + len(clause))
