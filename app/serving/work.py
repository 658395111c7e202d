"""One note on its way through the service: what is asked, what it costs, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.errors import ServiceError
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note

CHARACTERS_PER_TOKEN: Final = 4


class Lane(StrEnum):
    """Someone waits for INTERACTIVE notes; BULK notes take what is left, and never less than their share."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class Work:
    """One note and what is asked of it."""

    note: Note
    options: CodingOptions


Outcome = Coding | ServiceError


def estimate_tokens(note: Note) -> int:
    """What a note costs, before it is tokenised: a quarter of its characters, rounded up, at least 1.

    Budgets, queue bounds and measured speed all count these tokens, so that an error of the estimate cancels out.
    Padding is not counted: the encoder sorts clauses by length itself.
    """
    characters = sum(len(document.text) for document in note.documents)
    return max(1, -(-characters // CHARACTERS_PER_TOKEN))
