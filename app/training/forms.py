"""All forms of a catalog as vectors of the model so far, in memory: what mining reads between two stretches."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from index_builder.catalog import Catalog
from index_builder.embedding import FORM_ROWS, Progress, collect_wordings, encode_pieces, form_vectors
from model.encoder import Encoder, Integers
from model.nested import WIDTH, Floats, prefix


class FormVectors(Protocol):
    """What mining asks of forms; an index has them, and so have `LiveForms`."""

    def vectors(self, rows: Integers) -> Floats:
        """(n,) form rows -> (n, D)."""
        ...

    def prefix_vectors(self, dimensions: int) -> Floats:
        """All forms by their first dimensions, (F, dimensions) unit rows."""
        ...

    def owners(self, rows: Integers) -> Integers:
        """(n,) form rows -> positions of their codes, (n,)."""
        ...


class LiveForms:
    """Forms encoded by a model that has no index, kept as half floats."""

    def __init__(self, matrix: npt.NDArray[np.float16], owners: Integers) -> None:
        """matrix: (F, 768) unit rows. owners: (F,) position of each form's code."""
        self._matrix, self._owners = matrix, owners

    @classmethod
    def encode(cls, encoder: Encoder, catalog: Catalog, work: Path, progress: Progress) -> LiveForms:
        """Encode every form of the catalog. Encoded chunks lie in `work` until all are: a killed run goes on there."""
        wordings = collect_wordings(catalog)
        pieces = encode_pieces(encoder, wordings.pieces, work, progress)
        count = len(wordings.of_form)
        matrix = np.empty((count, WIDTH), dtype=np.float16)
        for start in range(0, count, FORM_ROWS):
            stop = min(start + FORM_ROWS, count)
            matrix[start:stop] = form_vectors(encoder, wordings, pieces, start, stop)
        shutil.rmtree(work)
        owners = np.repeat(np.arange(catalog.code_count, dtype=np.int64), np.diff(catalog.offsets))
        return cls(matrix, owners)

    def vectors(self, rows: Integers) -> Floats:
        """(n,) form rows -> (n, 768)."""
        return self._matrix[rows].astype(np.float32)

    def prefix_vectors(self, dimensions: int) -> Floats:
        """All forms by their first dimensions, (F, dimensions) unit rows."""
        return prefix(self._matrix, dimensions)

    def owners(self, rows: Integers) -> Integers:
        """(n,) form rows -> positions of their codes, (n,)."""
        return self._owners[rows]
