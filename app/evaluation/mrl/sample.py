"""The wordings that the report works on, and which of them are learned from, tuned on and asked.

Whole categories are drawn, so that a code stands among its siblings as it does in the full set, but without the titles
that a 7th character only extends: they are never asked and would be most of the sample. Of every code that has a
wording beside its title one such wording is held out: of half of the codes to learn thresholds on, of the other half to
be asked. A held-out wording stands nowhere else in the sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.evaluation.errors import EvaluationError
from app.evaluation.mrl.levels import LEVELS, at_level
from app.evaluation.terms import fraction
from index_builder.catalog import Catalog
from index_builder.codesets.protocol import FormSource, SurfaceForm
from model.metrics.ranking import CATEGORY_LENGTH

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """F wordings of a catalog.

    rows:   (F,) their rows in the catalog
    forms:  (F,) the wordings
    labels: for each level (F,) the place of each wording's chapter, category or code in `names`
    names:  for each level its labels
    known, held_out, asked: rows of the sample
    """

    rows: Rows
    forms: Sequence[SurfaceForm]
    labels: Mapping[str, Rows]
    names: Mapping[str, Sequence[str]]
    known: Rows
    held_out: Rows
    asked: Rows

    def codes(self, rows: Rows) -> list[str]:
        """The codes of these rows of the sample."""
        return [self.forms[row].code for row in rows.tolist()]


def draw(catalog: Catalog, limit: int, seed: int) -> Sample:
    """Whole categories in the order of their hash, until `limit` wordings are drawn; 0 = all categories."""
    forms = catalog.forms()
    sizes = Counter(form.code[:CATEGORY_LENGTH] for form in forms if not form.extension)
    chosen: set[str] = set()
    total = 0
    for category in sorted(sizes, key=lambda c: (fraction(seed, c), c)):
        if limit and chosen and total + sizes[category] > limit:
            continue
        chosen.add(category)
        total += sizes[category]
    return select(forms, lambda code: code[:CATEGORY_LENGTH] in chosen, seed)


def select(forms: Sequence[SurfaceForm], wanted: Callable[[str], bool], seed: int) -> Sample:
    """The sample of all unextended wordings whose code is wanted. `forms` are all of the catalog, in its order.

    Raises EvaluationError where no wording can be asked.
    """
    rows = [row for row, form in enumerate(forms) if wanted(form.code) and not form.extension]
    kept = [forms[row] for row in rows]
    names = {level: sorted({at_level(form.code, level) for form in kept}) for level in LEVELS}
    places = {level: {name: i for i, name in enumerate(found)} for level, found in names.items()}
    labels = {
        level: np.array([places[level][at_level(form.code, level)] for form in kept], dtype=np.int64)
        for level in LEVELS
    }
    held_out, asked = _hold_out(kept, seed)
    if not held_out or not asked:
        raise EvaluationError("too few codes have a wording beside their title: draw more forms")
    known = np.setdiff1d(np.arange(len(kept)), [*held_out, *asked])
    ordered = (known, np.array(sorted(held_out)), np.array(sorted(asked)))
    return Sample(np.array(rows, dtype=np.int64), kept, labels, names, *(a.astype(np.int64) for a in ordered))


def spare_rows(forms: Sequence[SurfaceForm]) -> list[int]:
    """Rows that can be asked: no titles, and wordings that stand once only."""
    times = Counter(form.text.casefold() for form in forms)
    return [
        row
        for row, form in enumerate(forms)
        if form.source is not FormSource.TITLE and times[form.text.casefold()] == 1
    ]


def _hold_out(forms: Sequence[SurfaceForm], seed: int) -> tuple[list[int], list[int]]:
    spare: dict[str, tuple[float, int]] = {}
    for row in spare_rows(forms):
        form = forms[row]
        spare[form.code] = min(spare.get(form.code, (1.0, row)), (fraction(seed, form.text), row))
    split: tuple[list[int], list[int]] = ([], [])
    for code, (_, row) in spare.items():
        split[fraction(seed, "half " + code) < 0.5].append(row)
    return split
