"""Word lists of the pipeline, as JSON beside this file; read once, at import of the module that uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any


def read_lexicon(name: str) -> dict[str, Any]:
    """The word list `name`.json. Raises FileNotFoundError when there is none."""
    content: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return content


def either(phrases: Sequence[str]) -> str:
    """A pattern of any of these phrases, the longest first; up to three blanks between words."""
    longest = sorted(phrases, key=len, reverse=True)
    return "|".join(re.escape(phrase).replace("\\ ", r"\s{1,3}") for phrase in longest)


def beginning(terms: Sequence[str]) -> re.Pattern[str]:
    """Finds words that begin with any of these terms, in any case."""
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, terms))})", re.IGNORECASE)
