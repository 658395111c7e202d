"""Cut a sentence into the clauses that are encoded.

A clause is encoded alone, so it must keep the words that a code needs: "diabetes with neuropathy" is one code, its
halves are others. Cuts at punctuation are firm, cuts at connectors (and, or, with, due to) are soft; a cut before mere
qualifiers is soft, too ("depression, recurrent, severe"). Every soft piece is a clause; neighbouring pieces are joined
again into a second clause while they stay short. Words around a finding that are no part of it are taken off, or the
finding is read once more without them (app/pipeline/modifiers.py). No character of the sentence stands in more than
four clauses, which bounds the cost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.pipeline.lexicon import either, read_lexicon
from app.pipeline.modifiers import bared, unmodified
from app.pipeline.reading.edited import Span
from app.pipeline.sentences import BLANK_ENDS
from app.pipeline.word_sets import BARE_WORDS, SILENT_WORDS, WORD

LEXICON = read_lexicon("clauses")
QUALIFIERS, LINKS = frozenset(LEXICON["qualifiers"]), frozenset(LEXICON["links"])
QUALIFYING = BARE_WORDS | QUALIFIERS
BARE_PHRASES = re.compile(rf"\b(?:{'|'.join(LEXICON['bare_phrases'])})\b")

CONNECTORS, OPENERS = LEXICON["connectors"], LEXICON["openers"]
# each alternative begins with what is rarest to match: this pattern is tried at every character of a note
FIRM = r"[;()\[\]{}|\t\u2014\uff0c\u3001\u060c]|,(?:(?<!\d,)|(?!\d))|:(?:(?<!\d:)|(?!\d))|[-\u2013=](?<=\s.)(?=\s)"
INITIALS = "".join(sorted({phrase[0] for phrase in (*CONNECTORS, *OPENERS)}))
SLASH = r"/(?<=[^\W\d_]{4}/)(?=[^\W\d_]{4})"  # between words: "nausea/vomiting", not "CT/MRI"
CUT = re.compile(
    rf"(?P<firm>{FIRM})"
    rf"|(?<![\w-])(?<!acute\s)(?=[{INITIALS}])(?:(?P<opener>{either(OPENERS)})|{either(CONNECTORS)})(?![\w-])"
    rf"|&(?<=\s&)(?=\s)|{SLASH}",
    re.IGNORECASE,
)
LEADING = re.compile(rf"(?:{'|'.join(LEXICON['leading'])}|\d{{1,2}}[.)])(?=\s)(?!\s(?:fib|flutter)\b)", re.IGNORECASE)
TRAILING = re.compile(rf"(?<=\s)(?:{'|'.join(LEXICON['trailing'])})\Z")
JOINT = re.compile(r"\s*(?:[,(:]|[-\u2013=](?=\s))?\s*")  # marks before what may qualify: no semicolon, no tab
CHUNK = re.compile(r"\S{1,60}")
EDGES = (
    BLANK_ENDS
    + "!\"#$&'()*+-./:;<=>?@[\\]^_`{|}~\u2010\u2011\u2012\u2013\u2014\u2018\u2019\u201c\u201d\u2022\u2026\u25cf"
)
RIGHT_EDGES = EDGES.replace("+", "")  # "HER2+", "2+"

JOINED_WORDS = 12
JOINED_PIECES = 3  # telling firm pieces of a short sentence; with more it is a list
JOINED_CHARACTERS = 120
LONG_WORDS = 40
LONG_CHARACTERS = 400
SPLIT_WORDS = 30
SPLIT_CHARACTERS = 300


def pieces(text: str, start: int, end: int) -> Iterator[list[Span]]:
    """The sentence cut firmly, each firm piece as the list of its soft pieces; nothing is trimmed yet."""
    soft: list[Span] = []
    before = start
    for found in CUT.finditer(text, start, end):
        soft.append((before, found.start()))
        before = found.end() if found["opener"] is None else found.start()
        if found["firm"] is not None:
            yield soft
            soft = []
    yield [*soft, (before, end)]


def trim(text: str, span: Span) -> Span:
    """Take blanks, punctuation, list numbers, articles and conjunctions off both ends; may end empty."""
    start, end = span
    while True:
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip(EDGES))
        if left >= end:
            return end, end
        right = end - (len(piece) - len(piece.rstrip(RIGHT_EDGES)))
        lead, trail = LEADING.match(text, left, right), TRAILING.search(text[left:right])
        start = lead.end() if lead else left
        end = left + trail.start() if trail and left + trail.start() >= start else right
        if (start, end) == (left, right):
            return start, end


def says(text: str, span: Span) -> bool:
    """Whether a piece has a word beyond grammar and office talk, so that it adds something to its neighbours."""
    return not SILENT_WORDS.issuperset(WORD.findall(text[span[0] : span[1]].lower()))


def tells(text: str, span: Span) -> bool:
    """Whether a stretch has a word that may name a finding: more than numbers, letters, stop words and bare words.

    "Right knee" and "blood pressure" name none, although codes are near to both.
    """
    words = WORD.findall(BARE_PHRASES.sub(" ", text[span[0] : span[1]].lower()))
    return any(word not in BARE_WORDS and any(map(str.isalpha, word)) for word in words)  # "²" is no letter


def qualifies(text: str, span: Span) -> bool:
    """Whether a piece names no finding but says more of the one before it: "severe", "right side", "grade 2"."""
    words = WORD.findall(text[span[0] : span[1]].lower())
    return not QUALIFIERS.isdisjoint(words) and QUALIFYING.issuperset(words)


def qualified(text: str, firm: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """The firm pieces, each with those after it that only say more of it."""
    groups: list[list[Span]] = []
    for soft in firm:
        start, end = soft[0][0], soft[-1][1]
        first = text[start:end].split(maxsplit=1)[:1]
        more = first and (first[0].lower() in LINKS or qualifies(text, (start, end)))
        if groups and more and JOINT.fullmatch(text, groups[-1][-1][1], start):
            groups[-1].extend(soft)
        else:
            groups.append(list(soft))
    return groups


def is_short(text: str, start: int, end: int) -> bool:
    """Whether a stretch is short enough to be a clause although it could be cut further."""
    return end - start <= JOINED_CHARACTERS and len(text[start:end].split()) <= JOINED_WORDS


def chunked(text: str, span: Span) -> Iterator[Span]:
    """Split a piece that is too long for one vector between words, or inside a word that has no end."""
    start, end = span
    if end - start < 2 * LONG_WORDS:  # too short for so many words
        yield span
        return
    words = [found.span() for found in CHUNK.finditer(text, start, end)]
    if len(words) <= LONG_WORDS and end - start <= LONG_CHARACTERS:
        yield span
        return
    first = 0
    for index, (_, word_end) in enumerate(words):
        last = index == len(words) - 1
        if last or index - first + 1 == SPLIT_WORDS or words[index + 1][1] - words[first][0] > SPLIT_CHARACTERS:
            yield words[first][0], word_end
            first = index + 1


def close_bracket(text: str, span: Span, end: int) -> Span:
    """Give a joined clause the closing bracket back that trimming took: "renal disease (ESRD)"."""
    start, stop = span
    closing = text[stop : stop + 1]
    opening = {")": "(", "]": "[", "}": "{"}.get(closing)
    opened = opening and stop < end and text.count(opening, start, stop) > text.count(closing, start, stop)
    return (start, stop + 1) if opened else span


def packed(text: str, soft: Sequence[Span]) -> Iterator[list[Span]]:
    """Neighbouring pieces in runs that are short when joined, from left to right."""
    run: list[Span] = []
    for span in soft:
        if run and not is_short(text, run[0][0], span[1]):
            yield run
            run = []
        run.append(span)
    yield run


def joined(text: str, firm: Sequence[Sequence[Span]], saying: frozenset[Span]) -> Iterator[Span]:
    """Pieces that say something put together again: runs between two firm cuts; where none of them joins anything, the
    whole sentence when short.

    "Cataract" and "right eye" make "Cataract, right eye"; of "HTN, BPH with nocturia" BPH and nocturia are one.
    """
    everything = [span for soft in firm for span in soft]
    end = everything[-1][1]
    parts = sum(not saying.isdisjoint(soft) for soft in firm)
    whole = parts <= JOINED_PIECES and is_short(text, everything[0][0], end)
    runs = [run for soft in firm for run in packed(text, soft)]
    if whole and all(len(saying.intersection(run)) < 2 for run in runs):
        runs = [everything]
    for run in runs:
        if len(run) > 1 and len(saying.intersection(run)) > 1:
            yield run[0][0], run[-1][1]


def finding(text: str, span: Span) -> Span:
    """The span trimmed, and without what leads to its finding or follows it; may end empty."""
    while True:
        trimmed = trim(text, span)
        if trimmed[0] == trimmed[1] or (span := bared(text, trimmed)) == trimmed:
            return trimmed


def cut_clauses(text: str, start: int, end: int) -> list[Span]:
    """The clauses of the sentence text[start:end], by start and end; none when nothing in it is worth encoding."""
    firm = qualified(text, list(pieces(text, start, end)))
    spans = [span for soft in firm for span in soft]
    saying = frozenset(span for span in spans if says(text, span) or qualifies(text, span))
    cut = {finding(text, part) for span in saying for part in chunked(text, span)}
    if len(saying) > 1:
        cut = {span for span in cut if not qualifies(text, span)}
        cut.update(close_bracket(text, finding(text, span), end) for span in joined(text, firm, saying))
    unsaid = (finding(text, bare) for span in cut if (bare := unmodified(text, span)) is not None)
    cut.update([span for span in unsaid if not qualifies(text, span)])
    return sorted(span for span in cut if tells(text, span))
