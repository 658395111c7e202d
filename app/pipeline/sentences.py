"""Cut the body of a section into sentences and list lines.

A line break ends a sentence unless the line is only wrapped. A semicolon does not: "denies cough; fever" is one denial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.pipeline.lexicon import read_lexicon
from app.pipeline.sections import LINE_ENDS

LEXICON = read_lexicon("sentences")
NEVER = frozenset(LEXICON["never"])
SELDOM = frozenset(LEXICON["seldom"])
BEFORE_NUMBER = frozenset(LEXICON["before_number"])
JOINING = frozenset(LEXICON["joining"])

EVENT = re.compile(
    rf"(?P<newline>\r\n|[{LINE_ENDS}])"
    r"|(?P<marker>(?=[\d(])(?<![^\s,:;])(?:(?P<number>\d{1,2})[.)]|\((?P<enclosed>\d{1,2})\))(?=\s))"
    r"|(?P<stop>[.!?](?=[\"'\u2019\u201d)\]]{0,3}(?:[\s,]|\Z))|\.(?<=[a-z]{2}\.)(?=[A-Z][a-z])|[\u3002\uff01\uff1f\u061f\u0964])"
)
BLANKS = re.compile(rf"[^\S{LINE_ENDS}]*+")
BULLET = re.compile(r"[-*+#\u2022\u25cf\u25aa\u25e6\u00b7\u2013>]|\(?\d{1,2}[.)]|[a-zA-Z][.)]\s")
AFTER_STOP = re.compile(r"[\"'\u2019\u201d)\]]{0,3}")
FIRST_WORD = re.compile(r"\S{1,132}")
LAST_WORD = re.compile(r"[^\s()\[\]{},;:/\"]+\Z")
HAS_WORD = re.compile(r"[^\W_]")
WRAPPED = 40  # characters of a line that may have been wrapped before a lower-case word
FIXED_WIDTHS = range(60, 133)  # a text whose widest line has so many characters was wrapped at that width
LOOK_BACK = 24
BLANK_ENDS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + ",\ufeff\u200b\u200e\u200f"


@dataclass(slots=True)
class Progress:
    """Where the scan of one body stands: the last cut, the beginning of the line, the next number of a list.

    width is the widest line of the whole document, in characters.
    """

    cut: int
    line: int
    width: int
    number: int = 1


def word_before(text: str, floor: int, position: int) -> str:
    """The word that ends at a position, as far as LOOK_BACK characters; "" when there is none."""
    found = LAST_WORD.search(text[max(floor, position - LOOK_BACK) : position])
    return found.group() if found else ""


def past_blanks(text: str, position: int, end: int) -> int:
    """The first position from here that is no blank; line ends are not skipped."""
    found = BLANKS.match(text, position, end)
    return found.end() if found else position


def before_blanks(text: str, position: int, floor: int, blanks: str = " \t\u00a0,") -> int:
    """The position after the last character before here that is no blank."""
    while position > floor and text[position - 1] in blanks:
        position -= 1
    return position


def initial_ends(text: str, floor: int, stop: int, follower: str) -> bool:
    """Whether a stop after a single letter ends a sentence: "hepatitis C. She", but not "E. coli", "J. Doe"."""
    before = word_before(text, floor, before_blanks(text, stop - 1, floor))
    return follower.isupper() and (before.islower() or before.isdigit())


def abbreviates(word: str, follower: str) -> bool:
    """Whether the stop after a word belongs to it: "Dr. Roe", "b.i.d. for", "No. 3"."""
    lowered = word.lower()
    if lowered in NEVER:
        return True
    if lowered in BEFORE_NUMBER:
        return follower.isdigit()
    return not follower.isupper() and ("." in word or lowered in SELDOM)


def stop_ends(text: str, floor: int, stop: int, end: int) -> bool:
    """Whether the mark at `stop` ends a sentence."""
    if text[stop] != ".":
        return True
    after = AFTER_STOP.match(text, stop + 1, end)
    position = after.end() if after else stop + 1
    comma = text[position : position + 1] == ","
    beginning = past_blanks(text, position + comma, end)
    follower, word = text[beginning : beginning + 1], word_before(text, floor, stop)
    if not follower or not word:
        return True
    if comma and beginning > position + 1 and (follower.islower() or abbreviates(word, "")):
        return False  # a comma after a stop, mid-sentence: "10 mg p.o., Lasix"
    if len(word) == 1 and word.isalpha():
        return initial_ends(text, floor, stop, follower)
    return not abbreviates(word, follower)


def widest_line(text: str) -> int:
    """Characters of the longest line of a document."""
    return max((len(line) for line in text.splitlines()), default=0)


def wraps(text: str, line: int, newline: int, end: int, width: int) -> bool:
    """Whether the line [line, newline) goes on in the next line: it breaks off, or its next word had no room."""
    after = newline + (2 if text.startswith("\r\n", newline) else 1)
    beginning = past_blanks(text, after, end)
    if beginning >= end or text[beginning] in LINE_ENDS or BULLET.match(text, beginning, end):
        return False
    last = before_blanks(text, newline, line, " \t\u00a0")
    if last == line or text[last - 1] in ".!?:;":
        return False
    if word_before(text, line, last).lower() in JOINING or text[last - 1] == "/":
        return True
    if text[beginning].islower():
        return newline - line >= WRAPPED
    word = FIRST_WORD.match(text, beginning, end)
    if word is None or word.group().endswith(":"):
        return False
    return width in FIXED_WIDTHS and newline - line + 1 + len(word.group()) > width


def marker_cut(text: str, found: re.Match[str], progress: Progress, end: int) -> int | None:
    """Where a number such as "2." cuts: before it when it numbers a list, after it when it only ends a sentence."""
    number = int(found["number"] or found["enclosed"])
    last = before_blanks(text, found.start(), progress.cut, BLANK_ENDS)
    at_start = last <= progress.cut
    introduced = number == 1 and text[last - 1 : last] in (":", ";")
    if at_start or introduced or number == progress.number > 1:
        progress.number = number + 1
        return found.start()
    ends = text[found.end() - 1] == "." and text[past_blanks(text, found.end(), end) :][:1].isupper()
    return found.end() if ends else None


def event_cut(text: str, found: re.Match[str], progress: Progress, end: int) -> int | None:
    """Where an event (line end, list number, full stop) cuts, or None."""
    if found["newline"] is not None:
        line, progress.line = progress.line, found.end()
        return None if wraps(text, line, found.start(), end, progress.width) else found.end()
    if found["marker"] is not None:
        return marker_cut(text, found, progress, end)
    if not stop_ends(text, progress.cut, found.start(), end):
        return None
    closers = AFTER_STOP.match(text, found.end(), end)
    return closers.end() if closers else found.end()


def cuts(text: str, start: int, end: int, width: int) -> Iterator[int]:
    """Positions at which a sentence of text[start:end] ends, rising, `end` last."""
    progress = Progress(start, start, width)
    for found in EVENT.finditer(text, start, end):
        cut = event_cut(text, found, progress, end)
        if cut is not None and cut > progress.cut:
            progress.cut = cut
            yield cut
    yield end


def cut_sentences(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """The sentences [start, end) of a body, trimmed; pieces without letter or digit are left out.

    width is the widest line of the document (see widest_line): it tells wrapped text from lists.
    """
    before = start
    for cut in cuts(text, start, end, width):
        piece = text[before:cut]
        left = before + len(piece) - len(piece.lstrip(BLANK_ENDS))
        right = cut - (len(piece) - len(piece.rstrip(BLANK_ENDS)))
        before = cut
        if left < right and HAS_WORD.search(text, left, right):
            yield left, right
