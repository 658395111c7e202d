"""A coder that finds wordings by looking for them: evidence is computed from the text, so offsets can be checked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.pipeline.coder import DEFAULT_CALIBRATION, Versions
from app.pipeline.coding import Caution, CodedItem, Coding, Evidence
from app.pipeline.note import CodingOptions, Note
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import Code, FormSource, SurfaceForm

POISON = "poisonous"  # a note with this word breaks the coder, with a message that holds the note
SYSTEM = "http://hl7.org/fhir/sid/icd-10-cm"
CODES = (
    Code("J45", "Asthma", None, False, {"includes": ("allergic asthma",)}),
    Code("J45.2", "Mild intermittent asthma", "J45", False, {}),
    Code("J45.20", "Mild intermittent asthma, uncomplicated", "J45.2", True, {}),
    Code("M10", "Gout", None, False, {}),
    Code("M10.9", "Gout, unspecified", "M10", True, {}),
)
WORDINGS = {"J45.20": ("asthma",), "M10.9": ("gout", "podagra")}


class FewCodes:
    """A code set of five codes under the name of the real one."""

    name = "icd-10-cm"
    edition = "2026-04"
    system = SYSTEM

    def codes(self) -> Sequence[Code]:
        return CODES

    def forms(self) -> Iterator[SurfaceForm]:
        for code in CODES:
            yield SurfaceForm(code.code, code.title, FormSource.TITLE)
        for name, wordings in WORDINGS.items():
            yield from (SurfaceForm(name, wording, FormSource.INDEX) for wording in wordings)


def few_codes(folder: Path) -> Catalog:
    """The catalog of the five codes."""
    return Catalog.write(FewCodes(), folder / "catalog.sqlite")


class FakeCoder:
    """Codes every wording that stands in the note. gate: closed, calls wait in the worker thread."""

    def __init__(self, catalog: Catalog, calibration: str | None = None) -> None:
        self.catalog = catalog
        loaded = {} if calibration is None else {DEFAULT_CALIBRATION: calibration}
        self.versions = Versions("model-1", "index-1", f"{catalog.name} {catalog.edition}", loaded)
        self.options: list[CodingOptions] = []
        self.gate = threading.Event()
        self.gate.set()

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        self.gate.wait(10)
        self.options.extend(options)
        return [self._code(note, wanted) for note, wanted in zip(notes, options, strict=True)]

    def _code(self, note: Note, options: CodingOptions) -> Coding:
        if any(POISON in document.text for document in note.documents):
            raise ValueError(f"cannot read {[document.text for document in note.documents]}")
        found = [item for name in sorted(WORDINGS) if (item := self._item(name, note)) is not None]
        return Coding(
            codes=tuple(found[: options.top_k]),
            candidates=(),
            suppressed=(),
            timings_ms={"segment": 0.2, "encode": 3.0, "search64": 0.4},
            warnings=(Caution("fake", "Wordings are looked for literally."),),
        )

    def _item(self, name: str, note: Note) -> CodedItem | None:
        evidence = tuple(_evidence(note, WORDINGS[name]))
        position = self.catalog.position(name)
        if not evidence or position is None:
            return None
        return CodedItem(
            code=name,
            display=self.catalog.title(position),
            system=self.catalog.system,
            edition=self.catalog.edition,
            rank=1,
            score=0.9,
            probability=None,
            billable=True,
            evidence=evidence,
            stage_scores={"64": 0.7, "256": 0.8, "768": 0.9},
        )


def _evidence(note: Note, wordings: Sequence[str]) -> Iterator[Evidence]:
    pattern = re.compile("|".join(wordings), re.IGNORECASE)
    for index, document in enumerate(note.documents):
        for match in pattern.finditer(document.text):
            yield Evidence(index, match.start(), match.end(), match.group(), 1.0, None)
