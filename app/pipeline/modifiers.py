"""What stands around a finding and is no part of it: "known", "history of", "since 2005", "severe".

A clause is encoded alone, and one word more moves its vector away from the code's wording. What says nothing of the
code is taken off. What some codes ask for and most do not ("severe", "recurrent", "suspected") stays, and the finding
is read once more without it.
"""

from __future__ import annotations

import re

from app.pipeline.lexicon import beginning, either, read_lexicon
from app.pipeline.reading.edited import Span
from app.pipeline.word_sets import SILENT_WORDS, WORD

_LEXICON = read_lexicon("modifiers")
_SILENT_OR_MODIFYING = SILENT_WORDS.union(_LEXICON["modifiers"])

_LEAD_IN = re.compile(rf"(?:{either(_LEXICON['lead_ins'])})\s+", re.IGNORECASE)
_HISTORY = re.compile(
    rf"(?:(?:{either(_LEXICON['before_history'])}|\d{{1,2}})[\s-]+){{0,5}}(?:{either(_LEXICON['histories'])})\s+",
    re.IGNORECASE,
)
_MODIFIERS = re.compile(rf"(?:(?:{either(_LEXICON['modifiers'])})\s*,?\s+(?:and\s+|to\s+|or\s+)?)+", re.IGNORECASE)
_TRAILERS = re.compile(
    rf"(?:[\s,]+(?:with\s)?(?:(?:{either(_LEXICON['modifiers'])}|acute)\s)?(?:{either(_LEXICON['trailers'])}))+\Z",
    re.IGNORECASE,
)
_COPULA = re.compile(rf"\s(?:{either(_LEXICON['copulas'])})\s", re.IGNORECASE)
_ASIDE = re.compile(rf"[\s,(]+(?:{'|'.join(_LEXICON['asides'])})\Z", re.IGNORECASE)
_LIFELONG, _PASSING = beginning(_LEXICON["lifelong"]), beginning(_LEXICON["passing"])


def lifelong(words: str) -> bool | None:
    """Whether who has had it has it still: "diabetes"; not what passes, "gestational diabetes". None = not known."""
    if not _LIFELONG.search(words):
        return None
    return _PASSING.search(words) is None


def bared(text: str, span: Span) -> Span:
    """The span without what leads to its finding and without what follows it; never empty."""
    start, end = span
    while True:
        found = _LEAD_IN.match(text, start, end) or _HISTORY.match(text, start, end)
        if found and found.end() < end and (found.re is _LEAD_IN or lifelong(text[found.end() : end])):
            start = found.end()
            continue
        aside = _ASIDE.search(text[start:end])
        without = start + aside.start() if aside else _subject(text, (start, end), SILENT_WORDS)
        if without in (start, end):
            return start, end
        end = without


def unmodified(text: str, span: Span) -> Span | None:
    """The span without the words around its finding that say how it is: before it, behind it, or of it, "her diabetes
    is under good control". None where there are none."""
    start, end = span[0], _subject(text, span, _SILENT_OR_MODIFYING)
    trailing = _TRAILERS.search(text[start:end])
    if trailing and trailing.start():
        end = start + trailing.start()
    leading = _MODIFIERS.match(text, start, end)
    if leading and leading.end() < end:
        start = leading.end()
    return None if (start, end) == span else (start, end)


def _subject(text: str, span: Span, silent: frozenset[str]) -> int:
    """Where the subject of the span ends, if what is said of it is silent; else the end of the span."""
    start, end = span
    copula = _COPULA.search(text, start, end)
    if copula and silent.issuperset(WORD.findall(text[copula.end() : end].lower())):
        return copula.start()
    return end
