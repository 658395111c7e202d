"""Training data on disk: clauses of a run as JSON lines, and notes that nobody coded."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.evaluation.errors import CorpusError
from app.evaluation.transcripts import ASIDE, coded_ids
from app.pipeline.note import Document, Note
from model.training.kinship import Asked, Mistake
from model.training.pairs import Clause
from model.training.text import Inside


def write_clauses(clauses: Iterable[Clause], file: Path) -> None:
    """One clause a line; whole or not at all."""
    part = file.with_suffix(".part")
    with part.open("w", encoding="utf-8") as stream:
        for c in clauses:
            context = None if c.context is None else [c.context.context, c.context.start, c.context.end]
            stream.write(json.dumps([c.code, c.text, c.target, c.negatives, context], ensure_ascii=False) + "\n")
    part.replace(file)


def read_clauses(file: Path) -> list[Clause]:
    """What `write_clauses` wrote, now or before clauses had contexts."""
    clauses = []
    for line in file.read_text(encoding="utf-8").splitlines():
        code, text, target, negatives, *context = json.loads(line)
        wrong = tuple((name, tuple(words)) for name, words in negatives)
        inside = Inside(*context[0]) if context and context[0] else None
        clauses.append(Clause(code, text, tuple(target) if target else None, wrong, inside))
    return clauses


def write_mistakes(mistaken: Mapping[Asked, Sequence[Mistake]], file: Path) -> None:
    """One wording a line with its code and what it was mistaken for; whole or not at all."""
    part = file.with_suffix(".part")
    with part.open("w", encoding="utf-8") as stream:
        for (code, wording), wrong in mistaken.items():
            stream.write(json.dumps([code, wording, list(wrong)], ensure_ascii=False) + "\n")
    part.replace(file)


def read_mistakes(file: Path) -> dict[Asked, tuple[Mistake, ...]]:
    """What `write_mistakes` wrote."""
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {(code, wording): tuple((other, tuple(words)) for other, words in wrong) for code, wording, wrong in rows}


def read_notes(file: Path, limit: int) -> list[Note]:
    """At most `limit` of the file's notes, evenly spread over it. Raises CorpusError."""
    texts = read_texts(file)
    step = max(1, len(texts) // limit)
    return [Note((Document(text),)) for text in texts[::step][:limit]]


def read_texts(file: Path) -> list[str]:
    """The notes of a CSV file with a column `transcription` or `text`.

    Every eleventh row is kept aside for looking at answers and never read; neither are the transcripts that we coded
    (app/evaluation/transcripts.py), which teach the last stage. Raises CorpusError.
    """
    coded = coded_ids()
    with file.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream)
        column = next((name for name in ("transcription", "text") if name in (rows.fieldnames or ())), None)
        if column is None:
            raise CorpusError(f"{file} line 1: expected a column transcription or text")
        return [
            row[column]
            for number, row in enumerate(rows)
            if number % ASIDE and row[column] and row.get("note_id") not in coded
        ]
