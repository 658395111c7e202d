"""Short notes without end, made of the sentences of the notes that ship; and files of them."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from app.evaluation.practice_notes import PracticeNotes
from app.evaluation.sample_notes import read_samples

SHORTEST, LONGEST = 100, 600


def short_notes(count: int) -> list[str]:
    """Different notes of 100 to 600 characters: sentences that follow each other, from any on."""
    notes = [*(coded.note for coded in PracticeNotes().notes()), *read_samples()]
    sentences = [re.split(r"(?<=[.:])\s+", note.documents[0].text) for note in notes]
    chance, found = random.Random(11), dict[str, None]()
    while len(found) < count:
        of, wanted = chance.choice(sentences), chance.randint(SHORTEST, LONGEST)
        first, text = chance.randrange(len(of)), ""
        for sentence in of[first:]:
            longer = f"{text} {sentence}".strip()
            if len(longer) > wanted:
                break
            text = longer
        if len(text) >= SHORTEST:
            found[text] = None
    return list(found)


def write_table(path: Path, rows: Sequence[dict[str, Any]], group: int = 1024, schema: Any = None) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(list(rows), schema), path, row_group_size=group)
    return path


def write_lines(path: Path, lines: Sequence[Any]) -> Path:
    written = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    path.write_bytes(gzip.compress(written) if path.suffix == ".gz" else written)
    return path


def read_answers(folder: Path) -> list[dict[str, Any]]:
    """All rows of a run, in the order of their parts. A folder reads as one table: what is not an answer is hidden."""
    files = sorted(folder.glob("part-*.parquet"))
    rows = [row for file in files for row in parquet.read_table(file).to_pylist()]
    assert parquet.read_table(folder).num_rows == len(rows)
    return rows
