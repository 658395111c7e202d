"""Words that name no finding by themselves, in three sets, each within the next."""

from __future__ import annotations

import re

from app.pipeline.lexicon import read_lexicon

_LEXICON = read_lexicon("words")
STOP_WORDS = frozenset(_LEXICON["stop_words"]).union("abcdefghijklmnopqrstuvwxyz")
SILENT_WORDS = STOP_WORDS.union(_LEXICON["empty"])
BARE_WORDS = SILENT_WORDS.union(_LEXICON["bare_words"])
WORD = re.compile(r"[^\W\d_]+")
