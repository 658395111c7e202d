"""HL7 version 2: escapes of formatted text (chapter 2.7), and the texts of a whole message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.pipeline.reading.edited import Edit

_MESSAGE = "MSH|^~\\&|"
_ESCAPE = re.compile(
    r"\\(?:\.(?P<format>br|sp|fi|nf|in|ti|sk|ce)\s?[+-]?\d{0,4}|(?P<mark>[FSTREHN])|X(?P<hex>[0-9A-Fa-f]{2,64})"
    r"|[CM][0-9A-Fa-f]{4,6})\\"
)
_FORMATTED = re.compile(r"\\\.(?:br|sp|fi|nf|in|ti|sk|ce)\s?[+-]?\d{0,4}\\")
_PATH = re.compile(r"\b[A-Za-z]:\\|\\\\\w")
_MARKS = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", "H": "", "N": ""}
_BREAKS = frozenset({"br", "sp", "ce"})
_SEGMENT = re.compile(r"[^\r\n]+")
_SPOKEN = frozenset({"TX", "FT", "ST"})
_VALUES = {"OBX": 5, "NTE": 3, "DG1": 4}  # the field of each segment that holds words


def is_message(text: str) -> bool:
    """Whether a text is a whole message with the usual delimiters."""
    return text.lstrip("\ufeff\x0b \r\n").startswith(_MESSAGE)


def is_hl7(text: str) -> bool:
    """Whether a text has HL7 escapes. Formatting occurs nowhere else; a letter between backslashes does in paths."""
    if "\\" not in text:
        return False
    return _FORMATTED.search(text) is not None or (_ESCAPE.search(text) is not None and _PATH.search(text) is None)


def read_escapes(text: str) -> Iterator[Edit]:
    """What each escape stands for. A line wrapped within a sentence is joined again."""
    line = 0
    for found in _ESCAPE.finditer(text):
        if found["format"] in _BREAKS:
            wrapped = found["format"] == "br" and _goes_on(text, line, found.start(), found.end())
            line = found.end()
            yield Edit(*found.span(), " " if wrapped else "\n")
        elif found["format"]:
            yield Edit(*found.span(), " ")
        elif found["mark"]:
            yield Edit(*found.span(), _MARKS[found["mark"]])
        else:
            yield Edit(*found.span(), _bytes(found["hex"] or ""))


def read_message(text: str) -> Iterator[Edit]:
    """Everything of a message is left out but its observations in words, notes and diagnoses, one line each."""
    before = 0
    for segment in _SEGMENT.finditer(text):
        span = _value(text, *segment.span())
        if span is None:
            continue
        start, end = span
        yield Edit(before, start, "\n" if before else "")
        for found in re.finditer("~", text[start:end]):
            yield Edit(start + found.start(), start + found.end(), "\n")
        before = end
    if before < len(text):
        yield Edit(before, len(text), "")


def _value(text: str, start: int, end: int) -> tuple[int, int] | None:
    fields = text[start:end].split("|", 7)
    wanted = _VALUES.get(fields[0].strip())
    if wanted is None or len(fields) <= wanted or (fields[0].strip() == "OBX" and fields[2] not in _SPOKEN):
        return None
    begin = start + sum(len(field) + 1 for field in fields[:wanted])
    return (begin, begin + len(fields[wanted])) if fields[wanted] else None


def _goes_on(text: str, line: int, start: int, end: int) -> bool:
    """Whether the line text[line:start] goes on behind its break: it began a sentence and the next line begins none."""
    return (
        text[line : line + 1].isupper()
        and " " in text[line:start].strip()
        and text[start - 1].isalnum()
        and text[end : end + 2].islower()
        and text[end : end + 2].isalpha()
    )


def _bytes(digits: str) -> str:
    read = bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", errors="replace")
    return "".join(one if one.isprintable() else "\n" if one == "\n" else " " for one in read)
