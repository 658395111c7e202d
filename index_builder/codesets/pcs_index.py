"""The ICD-10-PCS index, XML as CMS publishes it: names of procedures and the codes that they lead to."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from index_builder.errors import CodeSetError

_CODE = re.compile(r"[0-9A-HJ-NP-Z]{4,7}")  # PCS has no I and no O; a table of three characters is not told apart
_MARKS = re.compile(r"\((?:R|tm|TM)\)")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A name, written out along its path ("Dialysis, Hemodialysis"), and the code or start of codes it leads to.

    referred: behind a "see": the name is another word for the operation that the codes begin with
    """

    name: str
    start: str
    referred: bool


def read_pcs_index(file: Path) -> Iterator[IndexEntry]:
    """The entries that name a code, or at least four characters of one. Raises CodeSetError."""
    try:
        raw = file.read_bytes()
        content = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
        root = ElementTree.fromstring(content)
    except FileNotFoundError:
        raise CodeSetError(file, "missing") from None
    except (OSError, EOFError, zlib.error, ElementTree.ParseError) as error:
        raise CodeSetError(file, f"cannot be read as XML ({type(error).__name__})") from None
    if root.tag != "ICD10PCS.index":
        raise CodeSetError(file, "is no index of ICD-10-PCS")
    for term in root.iter("mainTerm"):
        yield from _entries(term, ())


def _entries(term: ElementTree.Element, above: tuple[str, ...]) -> Iterator[IndexEntry]:
    title = _MARKS.sub("", term.findtext("title", "")).strip()
    path = (*above, title) if title else above
    for place in (term, *term.findall("see")):
        for found in (*place.findall("code"), *place.findall("codes")):
            start = (found.text or "").strip()
            if path and _CODE.fullmatch(start):
                yield IndexEntry(", ".join(path), start, place is not term)
    for below in term.findall("term"):
        yield from _entries(below, path)
