"""Whether a note names a shortlisted code word for word, and whether the words it was read from name another."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from app.pipeline.encoding import EncodedNote
from app.pipeline.families import Families
from app.pipeline.naming import Names
from app.pipeline.section_kinds import ASSESSED
from app.pipeline.words import Run
from index_builder.index import CodeHits

NAMED = ("named", "named_share", "named_alike", "named_assessed", "outnamed")


def named(
    note: EncodedNote, hits: CodeHits, runs: Sequence[Run], names: Names, families: Families
) -> dict[str, list[float]]:
    """The columns NAMED of the hits; runs (k): the words each was read from."""
    cut = note.segmented
    assessed = any(section.label in ASSESSED for section in cut.sections)
    columns: dict[str, list[float]] = {name: [] for name in NAMED}
    asked = zip(families.of(hits.positions).tolist(), hits.spans.tolist(), runs, strict=True)
    for family, query, run in asked:
        own, clause = names.of(family), note.uses[query][0]
        sections = {cut.sections[cut.sentences[at].section].label for at in names.sentences[own].tolist()}
        columns["named"].append(float(np.log2(1 + names.words[own].max(initial=0))))
        columns["named_share"].append(float(names.shares[own].max(initial=0)))
        columns["named_alike"].append(float(np.log2(names.shared[own].min())) if len(own) else 0.0)
        columns["named_assessed"].append(_assessed(sections, assessed) if len(own) else 0.0)
        met = names.meeting(clause.sentence, clause.start + run.start, clause.start + run.end)
        others = np.setdiff1d(met, own, assume_unique=True)
        columns["outnamed"].append(float(np.log2(1 + names.words[others].max(initial=0))))
    return columns


def _assessed(sections: AbstractSet[str | None], assessed: bool) -> float:
    """1 when the code is named in an assessment, 0 when it is not; half where the note has none."""
    if not assessed:
        return 0.5
    return float(not ASSESSED.isdisjoint(sections))
