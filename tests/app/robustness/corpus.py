"""Notes that nobody would write: what parsers, tokenizers and regular expressions stumble over."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 200_000  # characters of a note

HOSTILE: Final[dict[str, str]] = {
    "one character": "x",
    "blanks only": " \t\n\r " * 50,
    "one word as long as a note": "a" * LIMIT,
    "commas only": "," * 100_000,
    "line ends only": "\n" * 100_000,
    "full stops only": "." * 50_000,
    "nested brackets": "(" * 20_000 + "pain" + ")" * 20_000,
    "brackets that never close": "([{" * 20_000,
    "ten thousand clauses": "cough, fever and pain; " * 3_500,
    "one long line": "low back pain without end " * 7_000,
    "control characters": "".join(map(chr, range(1, 32))) * 100 + "\x7f\x80\x9f",
    "zero width": "pa\u200bin\u200d in\ufeff chest\u2060 " * 200,
    "right to left": "\u202ecough fever\u202c \u05d7\u05d5\u05dd \u0633\u0639\u0627\u0644 pneumonia " * 100,
    "bidi never closed": "\u202e\u2066\u2067" * 500 + "shingles",
    "emoji": "\U0001f912\U0001f9d1\u200d\u2695\ufe0f cough \U0001f1e9\U0001f1ea " * 200,
    "stacked accents": "e" + "\u0301" * 20_000 + " fever",
    "astral letters": "\U0001d4f9\U0001d4ea\U0001d4f2\U0001d4f7 " * 500,
    "no word boundaries": "\u53d1\u70ed\u54b3\u55fd" * 5_000,
    "empty sections": "ASSESSMENT:\n\nPLAN:\n\nHISTORY:\n" * 500,
    "headings without end": "ASSESSMENT: " * 5_000,
    "negations without end": "no denies without not " * 3_000 + "cough",
    "noncharacters": "\ufffe\uffff\U0010ffff\ufffd pain " * 200,
    "markup": "<b>cough</b>&nbsp;<script>alert(1)</script>" * 300,
    "numbers": "1.2.3.4.5 " * 5_000,
    "hyphens": "-" * 50_000 + "pain",
    "quotes and backslashes": "\\\"'`$%{}" * 5_000,
}
