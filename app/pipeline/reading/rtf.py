"""Rich Text Format: what a reader of the document would see. Version 1.9.1 of Microsoft's specification."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.pipeline.reading.edited import Edit

_BEGINS = re.compile(r"[\ufeff\s]{0,100}\{\\rtf")
_TOKEN = re.compile(
    r"\\'(?P<byte>[0-9a-fA-F]{2})|\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?|\\(?P<symbol>[^a-zA-Z])"
    r"|(?P<brace>[{}])|(?P<wrap>[\r\n]+)|(?P<text>[^\\{}\r\n]+)|(?P<rest>\\)",
    re.DOTALL,
)
_WORDS = {
    **dict.fromkeys(("par", "line", "row", "sect", "page", "column", "softline"), "\n"),
    **dict.fromkeys(("tab", "cell", "nestcell"), "\t"),
    **{"emdash": "\u2014", "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018", "rquote": "\u2019"},
    **{"ldblquote": "\u201c", "rdblquote": "\u201d", "emspace": " ", "enspace": " "},
}
_SYMBOLS = {"\\": "\\", "{": "{", "}": "}", "~": " ", "_": "-", "\n": "\n", "\r": "\n"}
_UNSEEN = frozenset(
    (
        *("fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "rsidtbl", "info", "pict", "object"),
        *("filetbl", "revtbl", "generator", "themedata", "colorschememapping", "datastore", "latentstyles"),
        *("xmlnstbl", "fldinst", "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"),
        *("bkmkstart", "bkmkend", "pntext"),
    )
)
_DEFAULT_PAGE = "cp1252"


@dataclass(frozen=True, slots=True)
class _State:
    """What holds in a group. skip: characters that stand in for one Unicode character."""

    unseen: bool = False
    hidden: bool = False
    skip: int = 1


def is_rtf(text: str) -> bool:
    """Whether a text begins as RTF documents do."""
    return _BEGINS.match(text) is not None


def read_rtf(text: str) -> Iterator[Edit]:
    """What to replace so that the words of an RTF document remain, one line for each of its paragraphs."""
    reader, start = _Reader(), 0
    while found := _TOKEN.match(text, start):
        stop, new = reader.read(found)
        if new is not None:
            yield Edit(start, stop, new)
        start = found.end()
        if reader.binary:
            end = min(start + reader.binary, len(text))
            yield Edit(start, end, "")
            start = end


class _Reader:
    """Reads one token after the other. skipping: characters still to be left out; binary: those of a picture."""

    def __init__(self) -> None:
        self._state = _State()
        self._outer: list[_State] = []
        self._page = _DEFAULT_PAGE
        self._skipping = 0
        self.binary = 0

    def read(self, found: re.Match[str]) -> tuple[int, str | None]:
        """Where the token's replaced characters end, and what stands for them; None where they stay."""
        self.binary = 0
        seen = not (self._state.unseen or self._state.hidden)
        if found["text"] is not None:
            return self._text(found, seen)
        if found["brace"]:
            new = self._brace(found["brace"])
        elif found["word"]:
            new = self._word(found["word"], found["number"])
        elif found["wrap"] or found["rest"]:
            new = ""
        else:
            new = self._sign(found)
        return found.end(), new if seen else ""

    def _text(self, found: re.Match[str], seen: bool) -> tuple[int, str | None]:
        taken = min(self._skipping, found.end() - found.start())
        self._skipping -= taken
        if not seen:
            return found.end(), ""
        return found.start() + taken, "" if taken else None

    def _brace(self, brace: str) -> str:
        self._skipping = 0
        if brace == "{":
            self._outer.append(self._state)
        else:
            self._state = self._outer.pop() if self._outer else _State()
        return ""

    def _sign(self, found: re.Match[str]) -> str:
        """A byte or a symbol, which also stands in for a Unicode character where those are left out."""
        if found["symbol"] == "*":
            self._state = replace(self._state, unseen=True)
        if self._skipping:
            self._skipping -= 1
            return ""
        return _decoded(found["byte"], self._page) if found["byte"] else _SYMBOLS.get(found["symbol"], "")

    def _word(self, word: str, number: str | None) -> str:
        self._skipping = 0
        if number and word == "u":
            self._skipping = self._state.skip
            return _character(int(number))
        if number and word == "bin":
            self.binary = max(0, int(number))
        elif number and word == "ansicpg":
            self._page = _known(f"cp{number}")
        else:
            self._state = _after(self._state, word, number)
        return _WORDS.get(word, "")


def _after(state: _State, word: str, number: str | None) -> _State:
    if word in _UNSEEN:
        return replace(state, unseen=True)
    if word in ("v", "deleted"):
        return replace(state, hidden=number != "0")
    if word == "plain":
        return replace(state, hidden=False)
    return replace(state, skip=max(0, int(number))) if word == "uc" and number else state


def _known(page: str) -> str:
    try:
        return codecs.lookup(page).name
    except LookupError:
        return _DEFAULT_PAGE


def _decoded(digits: str, page: str) -> str:
    return _plain(bytes.fromhex(digits).decode(page, errors="replace"))


def _character(number: int) -> str:
    """Numbers above 32,767 are written as negative ones; a half of a surrogate pair is no character."""
    code = number % 0x10000 if number < 0 else number
    return _plain(chr(code) if code < 0x110000 else "\ufffd")


def _plain(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one if one >= " " else " " for one in text)
