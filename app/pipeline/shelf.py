"""Several code sets and editions behind one encoder: a note is encoded once and searched in those that are asked for.

A shelf is a coder like the pipelines in it, and opened, swapped and closed as one (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.pipeline.coder import Tell, Versions, told_in_order
from app.pipeline.coding import Coding
from app.pipeline.encoding import EncodedNote
from app.pipeline.merging import merged
from app.pipeline.note import CodingOptions, Note
from app.pipeline.pipeline import CodingPipeline
from app.pipeline.trace import Trace
from index_builder.catalog import Catalog
from index_builder.crosswalk.artifact import Crosswalk


class Shelf:
    """Pipelines of one encoder; the first is the default. Names are "icd-10-cm 2026-04". Thread-safe as they are."""

    def __init__(self, pipelines: Sequence[CodingPipeline], crosswalk: Crosswalk | None = None) -> None:
        self._pipelines = {one.versions.code_set: one for one in pipelines}
        self._default = next(iter(self._pipelines))
        self.crosswalk = crosswalk

    @property
    def versions(self) -> Versions:
        """What answers of the default code set are made with."""
        return self._pipelines[self._default].versions

    @property
    def catalog(self) -> Catalog:
        """The default code set."""
        return self._pipelines[self._default].catalog

    @property
    def catalogs(self) -> tuple[Catalog, ...]:
        """Every loaded code set and edition, the default first."""
        return tuple(one.catalog for one in self._pipelines.values())

    def versions_of(self, code_sets: Sequence[str]) -> Versions:
        """What an answer of these code sets is made with; of several, their names and versions in one line."""
        asked = [self._pipelines[name].versions for name in code_sets or (self._default,)]
        names = [name for name in asked[0].calibrations if all(name in one.calibrations for one in asked)]
        return Versions(
            model=asked[0].model,
            index=", ".join(one.index for one in asked),
            code_set=", ".join(one.code_set for one in asked),
            calibrations={name: _once(one.calibrations[name] for one in asked) for name in names},
        )

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        """One coding per note. Notes are encoded together, once for all indexes of one width."""
        return told_in_order(self, notes, options)

    def code_telling(self, notes: Sequence[Note], options: Sequence[CodingOptions], tell: Tell) -> None:
        """As `code`; each coding is told as soon as it is there."""
        asked = [wanted.code_sets or (self._default,) for wanted in options]
        if len(set(asked)) == 1 and len(asked[0]) == 1:
            return self._pipelines[asked[0][0]].code_telling(notes, options, tell)
        encoded: dict[int, tuple[list[EncodedNote], dict[str, float]]] = {}
        for names in asked:
            for name in names:
                pipeline = self._pipelines[name]
                if _width(pipeline) not in encoded:
                    encoded[_width(pipeline)] = pipeline.encoded(notes)
        for place, names in enumerate(asked):
            tell(place, self._code(place, names, options[place], encoded))

    def release(self) -> None:
        """Give back memory that can be had again from files."""
        for pipeline in self._pipelines.values():
            pipeline.index.release()

    def spare(self, sparing: bool) -> None:
        """Whether to hold little of it: another shelf is being opened beside this one."""
        for pipeline in self._pipelines.values():
            pipeline.index.spare(sparing)

    def trace(self, note: Note, options: CodingOptions, *, exact: bool = False) -> Trace:
        """One note with what every stage of the first code set asked for ranked."""
        name = next(iter(options.code_sets), self._default)
        return self._pipelines[name].trace(note, options, exact=exact)

    def _code(
        self,
        place: int,
        names: Sequence[str],
        options: CodingOptions,
        encoded: dict[int, tuple[list[EncodedNote], dict[str, float]]],
    ) -> Coding:
        codings, counted = [], set[int]()
        for name in names:
            pipeline = self._pipelines[name]
            notes, spent = encoded[_width(pipeline)]
            codings.append(pipeline.code_encoded(notes[place], options, {} if _width(pipeline) in counted else spent))
            counted.add(_width(pipeline))
        return codings[0] if len(codings) == 1 else merged(codings, options.top_k)


def _width(pipeline: CodingPipeline) -> int:
    return pipeline.index.manifest.dimensions


def _once(labels: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(labels))
