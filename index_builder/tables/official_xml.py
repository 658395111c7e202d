"""The shape that the official XML tables share: letters, main terms, nested terms, cells."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LINK = re.compile(r"\((to|by|with|from|in|on|of|due to|caused by)\)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the titles from the main term down to it, its code if it has one, its cells by column number."""

    path: tuple[str, ...]
    code: str = ""
    cells: dict[int, str] = field(default_factory=dict)


def read_entries(path: Path) -> Iterator[Entry]:
    """All lines of an official table in document order."""
    root = ET.parse(path).getroot()
    for main in root.iter("mainTerm"):
        yield from _walk(main, ())


def edition(path: Path) -> str:
    """The release that the file names itself."""
    return (ET.parse(path).getroot().findtext("version") or "").strip()


def _walk(node: ET.Element, above: tuple[str, ...]) -> Iterator[Entry]:
    path = (*above, _title(node))
    cells = {int(cell.get("col", "0")): (cell.text or "").strip() for cell in node.findall("cell")}
    yield Entry(path, (node.findtext("code") or "").strip(), cells)
    for child in node.findall("term"):
        yield from _walk(child, path)


def _title(node: ET.Element) -> str:
    """Title without its nonessential modifiers; a lone connector in brackets, as in "collision (with)", is kept."""
    title = node.find("title")
    if title is None:
        return ""
    parts = [title.text or ""]
    for child in title:
        modifier = child.text or ""
        link = _LINK.fullmatch(modifier.strip()) if child.tag == "nemod" else None
        parts += [link[1] if link else "", child.tail or ""]
    return re.sub(r"\s+", " ", " ".join(parts)).strip()
