"""Writes the words that a misspelling is told by.

Run as python -m index_builder.tables.compile_vocabulary CATALOG TEXTS... OUT: a built catalog.sqlite and files of
ordinary clinical English, of which only words and counts are kept. A word of the catalog is right and may be what a
misspelling stands for; any other is right when the texts use it often enough, more often where it is one letter away
from a word of the catalog. The shipped file was made from the edition of April 2026, MTSamples, MedQuAD and the
background texts of CodiEsp.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

SHORTEST = 6
_WORD = re.compile(r"(?<![\w'-])[a-z]{6,24}(?![\w'-])")
_SAID = 4  # a word of the catalog counts as a term from so many wordings on
_OFTEN, _SELDOM = 3, 1


def count_words(texts: Iterable[str]) -> Counter[str]:
    """The words of six letters and more of all texts, in small letters."""
    return Counter(word for text in texts for word in _WORD.findall(text.lower()))


def rows(catalog: Mapping[str, int], texts: Mapping[str, int]) -> list[str]:
    """The lines of the file in alphabetical order: a term with its count, any other right word alone."""
    terms = {word: count for word, count in catalog.items() if count >= _SAID}
    known = {word for word, count in texts.items() if count >= (_OFTEN if _beside(word, terms) else _SELDOM)}
    lines = [f"{word}\t{terms[word]}" for word in terms] + sorted((known | set(catalog)) - set(terms))
    return sorted(lines)


def _beside(word: str, terms: Mapping[str, int]) -> bool:
    """Whether dropping, adding or changing one letter makes a term of a word that is not its own plural or singular."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    near = {a + b[1:] for a, b in cuts if len(b) > 1} | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    near |= {a + c + b for a, b in cuts if b for c in letters} | {a + c + b[1:] for a, b in cuts if b for c in letters}
    return any(terms.get(other, 0) > 5 for other in near)


def main(arguments: list[str]) -> None:
    """Read, count, write."""
    catalog, *files, out = map(Path, arguments)
    with sqlite3.connect(f"file:{catalog}?mode=ro", uri=True) as opened:
        said = count_words(text for (text,) in opened.execute("SELECT text FROM forms"))
    plain = count_words(file.read_text(encoding="utf-8", errors="replace") for file in files)
    content = "\n".join(rows(said, plain)).encode("ascii")
    out.write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1:])
