"""Marks that are no words: de-identification placeholders, HTML tags, character entities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.pipeline.reading.edited import Edit

_BLOCKS = "p|br|div|li|ul|ol|tr|table|h[1-6]|hr|body|html|section"
_MARK = re.compile(
    r"(?P<placeholder>\[\*\*[^\[\]]{0,200}?\*\*\])"
    rf"|(?P<block></?(?:{_BLOCKS})(?:\s[^<>]{{0,300}})?\s?/?>)"
    r"|(?P<inline></?(?:b|i|u|em|strong|span|font|td|th)(?:\s[^<>]{0,300})?/?>)"
    r"|&(?P<entity>amp|lt|gt|nbsp|quot|apos|deg|micro|#39|#160);",
    re.IGNORECASE,
)
_ENTITIES = {
    **{"amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "quot": '"', "apos": "'", "deg": "\u00b0", "micro": "\u00b5"},
    **{"#39": "'", "#160": " "},
}


def read_markup(text: str) -> Iterator[Edit]:
    """What each mark stands for: a blank for a placeholder, a line break for a block, the character of an entity."""
    for found in _MARK.finditer(text):
        if found["entity"]:
            new = _ENTITIES[found["entity"].lower()]
        elif found["placeholder"]:
            new = " "
        else:
            new = "\n" if found["block"] else ""
        yield Edit(*found.span(), new)
