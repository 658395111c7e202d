"""Ways to find the words that support a code of a note's shortlist, all measured on the same codes.

words:     the run of words nearest to the code's wording, as the note's assertions are read from it
phrases:   that run without the linking words at its ends, as answers show it
grown:     the run with the neighbouring words that add at least GROWING of what a word of the clause adds on average
           to its cosine, exactly; trimmed
clause:    the whole clause
score:     exact contributions of the clause's tokens to its cosine: the neighbouring words that add most more than
           SHARE of what a word adds on average
attention: exact contributions of all tokens to the logit of the planted attention: words that add at least LEAST of
           what the heaviest word adds, neighbours merged, phrases of at least HEAVY of the heaviest phrase
What the ways leave open (GROWING, SHARE, LEAST, HEAVY) was chosen for them on the training splits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.pipeline.attention import NoteTokens, note_tokens
from app.pipeline.coding import Evidence
from app.pipeline.evidence import CLOSE, MOST, EvidenceFinder
from app.pipeline.phrases import trimmed
from app.pipeline.trace import Examined
from app.pipeline.words import cut_words, owners
from model.attention.label_attention import LabelAttention
from model.encoder import Integers
from model.nested import Floats

Span = tuple[int, int]
Weighed = tuple[int, int, float]  # [start, end) in code points of the text that was read, and its weight

GROWING = 0.9
SHARE = 0.4
LEAST = 0.1
HEAVY = 0.3
SKIPPED = 1  # a word that says little between two that say much stays in their phrase
_BREAKS = frozenset(".;:\n")  # no phrase goes beyond


@dataclass(frozen=True, slots=True)
class Asked:
    """One code of an examined note: its row in the shortlist, and what the attention's tokens add to its logit."""

    examined: Examined
    row: int
    tokens: NoteTokens | None
    added: Floats | None

    @property
    def form(self) -> Floats:
        """(768,) the code's wording."""
        return np.asarray(self.examined.scored.forms[self.row])

    @property
    def best(self) -> int:
        """The query that is nearest to it."""
        return int(self.examined.scored.hits.spans[self.row])


Way = Callable[[Asked], list[Weighed]]


def asked(
    examined: Examined, rows: Sequence[int], names: Sequence[str], attention: LabelAttention | None
) -> list[Asked]:
    """These rows of the shortlist, by the names of their codes, ready for every way."""
    if attention is None or not rows:
        return [Asked(examined, row, None, None) for row in rows]
    tokens = note_tokens(examined.note, examined.words)
    forms = examined.scored.forms[list(rows)]
    found = attention.logits(tokens.vectors, attention.token_ids(tokens.words), forms, names)
    return [Asked(examined, row, tokens, added) for row, added in zip(rows, found.contributions, strict=True)]


def words(one: Asked) -> list[Weighed]:
    """As the note's assertions are read from."""
    return [(evidence.start, evidence.end, evidence.weight) for evidence in _found(one)]


def phrases(one: Asked) -> list[Weighed]:
    """As answers show it."""
    text = one.examined.note.segmented.note.documents[0].text
    return [(*trimmed(text, (evidence.start, evidence.end)), evidence.weight) for evidence in _found(one)]


def _found(one: Asked) -> tuple[Evidence, ...]:
    return EvidenceFinder(one.examined.note, one.examined.words).find(one.form, one.best)


def grown(one: Asked) -> list[Weighed]:
    """The nearest run of each clause and what adds as much beside it."""
    note, found = one.examined.note, []
    for query, _ in _close(one):
        run = one.examined.words.nearest(one.form, query)
        text, spans, added = _added(one, query)
        least = GROWING * added.sum() / len(added)
        first = next(at for at, (_, end) in enumerate(spans) if end > run.start)
        last = next(at for at, (_, end) in enumerate(spans) if end >= run.end)
        while first > 0 and added[first - 1] >= least:
            first -= 1
        while last + 1 < len(spans) and added[last + 1] >= least:
            last += 1
        start, end = trimmed(text, (spans[first][0], spans[last][1]))
        found += [(use.start + start, use.start + end, run.cosine) for use in note.uses[query]]
    return _apart(found)


def clause(one: Asked) -> list[Weighed]:
    """The clauses themselves."""
    note = one.examined.note
    return _apart([(use.start, use.end, cosine) for query, cosine in _close(one) for use in note.uses[query]])


def score(one: Asked) -> list[Weighed]:
    """The neighbouring words that add most to the clause's cosine."""
    note, found = one.examined.note, []
    for query, _ in _close(one):
        _, spans, added = _added(one, query)
        first, last = _heaviest(added - SHARE * added.sum() / len(added))
        weight = float(added[first : last + 1].sum())
        found += [(use.start + spans[first][0], use.start + spans[last][1], weight) for use in note.uses[query]]
    return _apart(found)


def _added(one: Asked, query: int) -> tuple[str, list[Span], Floats]:
    """A clause, its words, and what each adds to the clause's cosine."""
    note = one.examined.note
    text = note.segmented.text_of(note.uses[query][0])
    spans = cut_words(text)
    return text, spans, by_word(spans, note.tokens(query)[1], one.examined.words.contributions(one.form, query))


def by_word(words: Sequence[Span], offsets: Integers, contributions: Floats) -> Floats:
    """(w,) what each word adds: the sum of its tokens. Tokens behind the last word belong to none."""
    owner = owners(words, offsets)
    added = np.zeros(len(words), dtype=np.float32)
    np.add.at(added, owner[owner < len(words)], contributions[owner < len(words)])
    return added


def attention(one: Asked) -> list[Weighed]:
    """The phrases that add most to the attention's logit. Raises ValueError where none was opened."""
    if one.tokens is None or one.added is None:
        raise ValueError("no label attention is opened")
    weights: dict[Span, float] = defaultdict(float)
    for query in np.unique(one.tokens.queries).tolist():
        rows = one.tokens.queries == query
        uses = one.examined.note.uses[query]
        spans = cut_words(one.examined.note.segmented.text_of(uses[0]))
        added = by_word(spans, one.tokens.offsets[rows], one.added[rows])
        for use in uses:
            for (start, end), weight in zip(spans, added.tolist(), strict=True):
                weights[use.start + start, use.start + end] += weight
    return _apart(_merged(one.examined.note.segmented.note.documents[0].text, dict(sorted(weights.items()))))


def _merged(text: str, weights: dict[Span, float]) -> list[Weighed]:
    """Neighbouring heavy words as phrases, the light phrases left out; never empty where there are words."""
    top = max(weights.values(), default=0.0)
    least = LEAST * top if top > 0 else top
    merged: list[Weighed] = []
    before = -SKIPPED - 2
    for at, ((start, end), weight) in enumerate(weights.items()):
        if weight < least:
            continue
        if at - before <= 1 + SKIPPED and _BREAKS.isdisjoint(text[merged[-1][1] : start]):
            merged[-1] = (merged[-1][0], end, merged[-1][2] + weight)
        else:
            merged.append((start, end, weight))
        before = at
    heaviest = max((weight for *_, weight in merged), default=0.0)
    return [one for one in merged if one[2] >= min(HEAVY * heaviest, heaviest)]


def _heaviest(values: Floats) -> Span:
    """First and last place of the neighbours with the largest sum (Kadane's algorithm); of equals the first."""
    best, chosen, total, first = -np.inf, (0, 0), 0.0, 0
    for at, value in enumerate(values.tolist()):
        if total <= 0:
            total, first = 0.0, at
        total += value
        if total > best:
            best, chosen = total, (first, at)
    return chosen


def _close(one: Asked) -> Iterator[tuple[int, float]]:
    """The clauses that answers take evidence from, nearest first, and their cosines."""
    cosines = one.examined.note.vectors @ one.form
    for query in np.argsort(-cosines, kind="stable").tolist():
        if cosines[query] >= cosines[one.best] - CLOSE:
            yield query, float(cosines[query])


def _apart(found: Sequence[Weighed]) -> list[Weighed]:
    """The heaviest, heaviest first, none over another."""
    kept: list[Weighed] = []
    for start, end, weight in sorted(found, key=lambda span: (-span[2], span[0], span[1])):
        if not any(other[0] < end and start < other[1] for other in kept):
            kept.append((start, end, weight))
        if len(kept) == MOST:
            break
    return kept


WAYS: dict[str, Way] = {
    "words": words,
    "phrases": phrases,
    "clause": clause,
    "grown": grown,
    "score": score,
    "attention": attention,
}
