"""CodiEsp's evidence, marked in the Spanish text, carried over to the English translation by word alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.errors import CorpusError
from model.training.alignment import Bead, Span, WordAligner, align_sentences


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of an English note that a coder gave a code for: [start, end) in code points of the note."""

    note: str
    code: str
    start: int
    end: int


def projected_mentions(path: Path, split: str) -> list[Mention]:
    """Diagnosis mentions of a split with English offsets. About 6 in 100 cannot be placed and are left out.

    Reads <split>X.tsv, text_files and text_files_en; codes are upper case. Raises CorpusError.
    """
    folder = path / split
    notes = sorted(file.stem for file in (folder / "text_files_en").glob("*.txt"))
    beads = {note: _beads(folder, note) for note in notes}
    aligner = WordAligner(bead for of_note in beads.values() for bead in of_note)
    mentions = []
    for note, code, spans in _marked(folder / f"{split}X.tsv"):
        found = _place(beads.get(note, ()), aligner, spans)
        if found:
            mentions.append(Mention(note, code, *found))
    return list(dict.fromkeys(mentions))


def _beads(folder: Path, note: str) -> list[Bead]:
    source = (folder / "text_files" / f"{note}.txt").read_bytes().decode("utf-8")
    target = (folder / "text_files_en" / f"{note}.txt").read_bytes().decode("utf-8")
    return align_sentences(source, target)


def _place(beads: Sequence[Bead], aligner: WordAligner, spans: Sequence[Span]) -> Span | None:
    """In the bead that holds the first span."""
    for bead in beads:
        if bead.source[0].start <= spans[0][0] < bead.source[-1].end:
            return aligner.project(bead, spans)
    return None


def _marked(file: Path) -> list[tuple[str, str, list[Span]]]:
    if not file.is_file():
        raise CorpusError(f"{file} is missing")
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) != 5:
            raise CorpusError(f"{file} line {number}: expected five fields with tabs between them")
        note, kind, code, _, offsets = fields
        if kind == "DIAGNOSTICO":
            rows.append((note, code.upper(), [_span(o, file, number) for o in offsets.split(";")]))
    return rows


def _span(text: str, file: Path, number: int) -> Span:
    try:
        start, end = (int(part) for part in text.split())
    except ValueError:
        raise CorpusError(f"{file} line {number}: {len(text)} characters are no pair of offsets") from None
    return start, end
