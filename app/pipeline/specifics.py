"""What a clause alone does not tell of a code: whether the rest of the note says its side and its other words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.pipeline.encoding import EncodedNote
from app.pipeline.sides import agreement, sides
from app.pipeline.wordstems import stems
from index_builder.catalog import Catalog
from index_builder.index import CodeHits

SPECIFICS = ("side", "unspecified", "wording_in_note", "title_in_note")
_UNSAID = stems("unspecified initial subsequent sequela encounter specified other elsewhere classified not")
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b")


def specifics(
    note: EncodedNote, hits: CodeHits, named: Sequence[frozenset[str]], catalog: Catalog
) -> dict[str, list[float]]:
    """The columns SPECIFICS of the hits; named (k): the stems of each one's best wording."""
    cut = note.segmented
    said_anywhere = frozenset[str]().union(*(stems(document.text) for document in cut.note.documents))
    columns: dict[str, list[float]] = {name: [] for name in SPECIFICS}
    said: dict[int, tuple[int, int]] = {}
    for position, query, words in zip(hits.positions.tolist(), hits.spans.tolist(), named, strict=True):
        if query not in said:
            clause = note.uses[query][0]
            sentence = cut.sentences[clause.sentence]
            around = cut.note.documents[clause.document].text[sentence.start : sentence.end]
            said[query] = sides(cut.text_of(clause)), sides(around)
        title = catalog.title(position)
        columns["side"].append(agreement(sides(title), said[query]))
        columns["unspecified"].append(float(bool(_UNSPECIFIED.search(title))))
        columns["wording_in_note"].append(_share(words, said_anywhere))
        columns["title_in_note"].append(_share(stems(title), said_anywhere))
    return columns


def _share(asked: frozenset[str], said: frozenset[str]) -> float:
    telling = asked - _UNSAID
    return len(telling & said) / max(1, len(telling))
