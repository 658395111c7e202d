"""What a note names word for word: the longest runs of a sentence's words that are a wording of the index.

"Quite severe pneumonia" names what "pneumonia" names, since no wording says more of it; "aspiration pneumonia" is a
wording of its own and does not name pneumonia. The vector of a clause tells the two apart badly
(docs/decisions/0051-what-a-note-names.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from app.pipeline.clauses import LONG_CHARACTERS
from app.pipeline.families import Families
from app.pipeline.reading.edited import Span
from app.pipeline.spans import Segmented
from index_builder.catalog import Catalog
from index_builder.word_keys import WORD, Keys, word_keys
from model.encoder import Integers
from model.nested import Floats

LONGEST = 8  # telling words of a name that is looked up
NEARER = 0.06  # of cosine, to codes that are named: chosen on practice notes and transcripts (decision 0051)


@dataclass(frozen=True, slots=True)
class Names:
    """The names in a note, longer ones first, and whose they are.

    sentences, starts, ends: (n,) each one's sentence, and its stretch in code points of the document
    words:   (n,) how many telling words it has
    shares:  (n,) its words over those of the shortest clause around it, 0 = it is in none
    shared:  (n,) families that have it for a wording
    families, owners: (m,) the families and their names, by row; rising by family
    """

    sentences: Integers
    starts: Integers
    ends: Integers
    words: Integers
    shares: Floats
    shared: Integers
    families: Integers
    owners: Integers

    def of(self, family: int) -> Integers:
        """The rows of the names of a family."""
        first, last = np.searchsorted(self.families, (family, family + 1))
        return self.owners[first:last]

    def meeting(self, sentence: int, start: int, end: int) -> Integers:
        """The rows of the names that share a character with a stretch of a sentence."""
        return np.flatnonzero((self.sentences == sentence) & (self.starts < end) & (self.ends > start))


_NONE = np.zeros(0, dtype=np.int64)
NO_NAMES = Names(_NONE, _NONE, _NONE, _NONE, np.zeros(0, dtype=np.float32), _NONE, _NONE, _NONE)


class Namer:
    """Finds names in notes. Safe to share between threads."""

    def __init__(self, catalog: Catalog, families: Families) -> None:
        self._catalog = catalog
        self._families = families

    def names(self, note: Segmented) -> Names:
        """The names in a note; of names within one another the outer."""
        sentences, starts, ends, keys = _telling(note)
        sums = np.cumsum(np.concatenate([np.zeros(1, dtype=np.uint64), keys]), dtype=np.uint64)
        reach = np.zeros(len(keys), dtype=np.int64)  # the word before which the names found so far end
        found = [np.zeros((4, 0), dtype=np.int64)]
        for length in range(min(LONGEST, len(keys)), 0, -1):
            at = np.arange(len(keys) - length + 1)
            at = at[(sentences[at] == sentences[at + length - 1]) & (reach[at] < at + length)]
            begins, stops = self._catalog.named(sums[at + length] - sums[at])
            named = stops > begins
            at, begins, stops = at[named], begins[named], stops[named]
            found.append(np.stack([at, np.full(len(at), length), begins, stops]))
            np.maximum.at(reach, at, at + length)
            reach = np.maximum.accumulate(reach)
        at, words, begins, stops = np.concatenate(found, axis=1)
        families, owners = self._owners(begins, stops)
        stretches = sentences[at], starts[at], ends[at + words - 1]
        return Names(
            *stretches,
            words=words,
            shares=_shares(note, sentences, starts, *stretches, words),
            shared=np.bincount(owners, minlength=len(at)),
            families=families,
            owners=owners,
        )

    def nearer(self, names: Names, bias: Floats | None) -> Floats | None:
        """(C,) what is added to each code's cosine when codes are chosen: the bias given, and NEARER where named."""
        if not len(names.families):
            return bias
        named = np.float32(NEARER) * self._families.all_of(names.families)
        return named if bias is None else named + bias

    def _owners(self, begins: Integers, stops: Integers) -> tuple[Integers, Integers]:
        """Each family with each of its names once, rising: families (m,), rows (m,)."""
        rows = np.repeat(np.arange(len(begins)), stops - begins)
        codes = [self._catalog.named_codes[begin:stop] for begin, stop in zip(begins, stops, strict=True)]
        families = self._families.of(np.concatenate([np.zeros(0, dtype=np.int32), *codes]))
        once = np.unique(families * len(begins) + rows)
        return once // max(1, len(begins)), once % max(1, len(begins))


def _telling(note: Segmented) -> tuple[Integers, Integers, Integers, Keys]:
    """Of every telling word of the sentences: sentence, start, end (n,), key (n,)."""
    words: list[str] = []
    places: list[tuple[int, int, int]] = []
    for number, sentence in enumerate(note.sentences):
        text = note.note.documents[sentence.document].text
        for found in WORD.finditer(text, sentence.start, sentence.end):
            words.append(found[0])
            places.append((number, *found.span()))
    keys = word_keys(words)
    sentences, starts, ends = np.array(places, dtype=np.int64).reshape(-1, 3)[keys != 0].T
    return sentences, starts, ends, keys[keys != 0]


def _shares(
    note: Segmented,
    of_words: Integers,
    word_starts: Integers,
    sentences: Integers,
    starts: Integers,
    ends: Integers,
    words: Integers,
) -> Floats:
    """(n,) the words of each name over the telling words of the shortest clause around it; 0 where it is in none."""
    clauses: dict[int, list[Span]] = defaultdict(list)
    for clause in note.clauses:
        clauses[clause.sentence].append((clause.start, clause.end))
    first, last = (np.searchsorted(of_words, sentences, side=side).tolist() for side in ("left", "right"))
    begins = word_starts.tolist()
    shares = np.zeros(len(words), dtype=np.float32)
    places = zip(sentences.tolist(), starts.tolist(), ends.tolist(), strict=True)
    for row, (sentence, start, end) in enumerate(places):
        around = _shortest_around(clauses[sentence], start, end)
        if around is not None:
            ahead, inside = (bisect_left(begins, at, first[row], last[row]) for at in around)
            shares[row] = words[row] / (inside - ahead)
    return shares


def _shortest_around(clauses: Sequence[Span], start: int, end: int) -> Span | None:
    """The shortest of the clauses, in the order of the text, that holds a stretch; no clause is longer than
    LONG_CHARACTERS, so those that begin further ahead are not looked at."""
    found: Span | None = None
    for at in range(bisect_right(clauses, start, key=itemgetter(0)) - 1, -1, -1):
        clause = clauses[at]
        if clause[0] < end - LONG_CHARACTERS:
            break
        if end <= clause[1] and (found is None or clause[1] - clause[0] < found[1] - found[0]):
            found = clause
    return found
