"""The search on a torch device; the arrays' side stands in model/search/device_matrix.py."""

from __future__ import annotations

import numpy as np

from index_builder.hits import CodeHits
from index_builder.matching import form_rows
from index_builder.searching.port import Mask, Storage
from model.encoder import Integers
from model.nested import Floats
from model.search.device_matrix import DeviceMatrix, Matches


class DeviceSearch:
    """Vectors lie on the device, only queries and the best codes travel; see the port for arguments.

    device: a torch device's name; None = the GPU where there is one, else the CPU
    """

    name = "torch"

    def __init__(self, storage: Storage, device: str | None = None) -> None:
        self._offsets = storage.offsets
        self._matrix = DeviceMatrix(storage.prefixes, storage.forms, storage.offsets, device)

    @property
    def device(self) -> str:
        """Where the vectors lie."""
        return self._matrix.device

    def search(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """Stage one, in the stored prefixes."""
        return _hits(self._matrix.best_codes(queries, width, allowed, bias, stored=True))

    def search_exact(self, queries: Floats, width: int, allowed: Mask | None, bias: Floats | None) -> CodeHits:
        """The oracle; its vectors are cut and normalised on the device."""
        return _hits(self._matrix.best_codes(queries, width, allowed, bias, stored=False))

    def rescore(self, queries: Floats, positions: Integers) -> CodeHits:
        """The candidates' rows are gathered on the device."""
        rows, starts = form_rows(self._offsets, positions)
        lengths = np.diff(starts, append=len(rows))
        scores, spans, best = self._matrix.best_of_groups(queries, rows, np.repeat(np.arange(len(starts)), lengths))
        return CodeHits(positions, scores, spans, rows[best])


def _hits(found: Matches) -> CodeHits:
    return CodeHits(found.positions, found.scores, found.spans, found.forms)
