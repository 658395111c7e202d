"""CodiEsp: Spanish case reports in English machine translation, with ICD-10 codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.corpora.coded_note import CodedNote, one_document
from app.evaluation.corpora.reading import read_lines, read_text
from app.evaluation.errors import CorpusError


@dataclass(frozen=True, slots=True)
class CodiEsp:
    """CodiEsp (Miranda-Escalada et al. 2020), English texts, diagnosis codes (task D) or procedures (P).

    Layout: <path>/<split>/text_files_en/<id>.txt and <path>/<split>/<split>D.tsv (P.tsv) with lines `id<TAB>code`;
    procedures are ICD-10-PCS codes or the first four characters of one. The corpus's offsets point into the Spanish
    text, so evidence is not read.
    """

    path: Path
    name: str = "codiesp"
    task: str = "D"

    def notes(self, split: str) -> Sequence[CodedNote]:
        """Every text of the split, sorted by id; one that no line names has no gold codes."""
        folder = self.path / split / "text_files_en"
        files = sorted(folder.glob("*.txt"))
        if not files:
            raise CorpusError(f"no .txt files in {folder}")
        gold: dict[str, set[str]] = {}
        table = self.path / split / f"{split}{self.task}.tsv"
        for id, code in _rows(table):
            gold.setdefault(id, set()).add(code.upper())
        strangers = sorted(gold.keys() - {file.stem for file in files})
        if strangers:
            raise CorpusError(f"{table.name} codes {strangers[0]}, which has no text in {folder}")
        return [one_document(file.stem, read_text(file), gold.get(file.stem, ())) for file in files]


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in read_lines(file):
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != 2 or not all(fields):
            raise CorpusError(f"{file} line {number}: expected an id, a tab and a code")
        yield fields[0], fields[1]
