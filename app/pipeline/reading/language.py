"""Whether a note is written in English, which is all that the encoder and the rules have learned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.pipeline.coding import Caution
from app.pipeline.lexicon import read_lexicon
from app.pipeline.note import Note

RULE = "language"
MESSAGE = "This does not read as English; no code is claimed for it, and the candidates are guesses."
_LEXICON = read_lexicon("language")
ENGLISH = frozenset(_LEXICON["english"])
FOREIGN = frozenset(_LEXICON["foreign"])
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[a-z\u00aa-\u024f\u0370-\u03ff]")  # Greek letters stand in English notes
_LOOKED_AT = 20_000  # characters of each document
_FEWEST = 5  # small words, or letters of another script
_SHARE = 0.12


def language_cautions(note: Note) -> tuple[Caution, ...]:
    """A caution where a note is not English."""
    return () if is_english([document.text[:_LOOKED_AT] for document in note.documents]) else (Caution(RULE, MESSAGE),)


def is_english(texts: Sequence[str]) -> bool:
    """By its letters, else by the small words of a language.

    Shorthand has hardly any small words, so a text is English unless those of another language outnumber its own.
    """
    words = [word for text in texts for word in _WORD.findall(text.lower())]
    letters = sum(map(len, words))
    latin = len(_LATIN.findall("".join(words)))
    if letters - latin >= _FEWEST and letters > 2 * latin:
        return False
    foreign = sum(word in FOREIGN for word in words)
    own = sum(word in ENGLISH for word in words)
    return foreign < _FEWEST or foreign < _SHARE * len(words) or foreign <= own
