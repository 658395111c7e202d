"""The best codes by a matrix product on a torch device. Needs the extra [torch].

Products are in float32: at these sizes a device is busy for less than a millisecond, and cosines stay those of the CPU
to the last bits. PyTorch leaves TF32 off for matrix products unless it is told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.encoder import Integers
from model.nested import PLACES, Floats

_SIMILARITIES = 1 << 26  # most of them at a time: 256 MB


@dataclass(frozen=True, slots=True)
class Matches:
    """The best codes, best first, all (k,): positions, cosines, and the rows of their best span and best form."""

    positions: Integers
    scores: Floats
    spans: Integers
    forms: Integers


class DeviceMatrix:
    """F forms of C codes on a device.

    prefixes: by width d all forms' unit prefixes, (F, d) float32; forms (F, D) float16
    offsets:  (C + 1,) forms offsets[c]:offsets[c + 1] belong to code c, one at least
    device:   None = the GPU where there is one, else the CPU
    """

    def __init__(
        self,
        prefixes: Mapping[int, Floats],
        forms: npt.NDArray[np.float16],
        offsets: Integers,
        device: str | None = None,
    ) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._prefixes = {d: self._put(vectors) for d, vectors in prefixes.items()}
        self._forms = self._put(forms)
        codes = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        self._owners = self._put(codes)  # (F,)
        self._codes = len(offsets) - 1

    @property
    def device(self) -> str:
        """The device's name."""
        return str(self._device)

    @torch.inference_mode()
    def best_codes(
        self,
        queries: Floats,
        width: int,
        allowed: npt.NDArray[np.bool_] | None,
        bias: Floats | None,
        *,
        stored: bool,
    ) -> Matches:
        """The `width` best codes over all spans and forms, by the prefixes of the queries' width.

        stored: in the prefixes that were given, else cut from the full matrix. queries (S, d) unit rows, S > 0;
        allowed (C,), bias (C,) is added when codes are chosen and ordered. Of equals the first code, form and span.
        """
        asked = self._put(queries)
        by_form = torch.cat([self._similar(asked, block).amax(0) for block in self._blocks(asked, stored)])  # (F,)
        by_code = by_form.new_full((self._codes,), -torch.inf).scatter_reduce(0, self._owners, by_form, "amax")
        ranked = by_code if bias is None else by_code + self._put(bias)
        count = self._codes
        if allowed is not None:
            ranked = ranked.masked_fill(~self._put(allowed), -torch.inf)
            count = int(allowed.sum())
        positions = torch.sort(ranked, descending=True, stable=True).indices[: min(width, count)]
        forms = _first_of(by_form == by_code[self._owners], self._owners, self._codes)[positions]
        spans = self._similar(asked, _prefix(self._forms[forms], asked.shape[1])).argmax(0)
        return Matches(_int(positions), _float(by_code[positions]), _int(spans), _int(forms))

    @torch.inference_mode()
    def best_of_groups(self, queries: Floats, rows: Integers, groups: Integers) -> tuple[Floats, Integers, Integers]:
        """The best form of each group: cosine (k,), its span (k,) and its place in `rows` (k,); of equals the first.

        Cosines have PLACES decimals.

        rows (n,) of the form matrix, groups (n,) rising from 0, without gaps. The prefix is as wide as the queries.
        """
        asked, owners, count = self._put(queries), self._put(groups), int(groups[-1]) + 1
        found = [
            self._similar(asked, _prefix(self._forms[block], asked.shape[1])).max(0)
            for block in torch.split(self._put(rows), _rows_at_once(asked))
        ]
        scores, spans = torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])
        scores = torch.round(scores, decimals=PLACES)
        largest = scores.new_full((count,), -torch.inf).scatter_reduce(0, owners, scores, "amax")
        best = _first_of(scores == largest[owners], owners, count)
        return _float(largest), _int(spans[best]), _int(best)

    def _blocks(self, asked: Tensor, stored: bool) -> Iterator[Tensor]:
        """All forms' prefixes of the queries' width, in order."""
        dimensions, size = asked.shape[1], _rows_at_once(asked)
        if stored:
            yield from torch.split(self._prefixes[dimensions], size)
        else:
            yield from (_prefix(block, dimensions) for block in torch.split(self._forms, size))

    def _similar(self, asked: Tensor, vectors: Tensor) -> Tensor:
        return asked @ vectors.T  # (S, n)

    def _put(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.tensor(array, device=self._device)


def _rows_at_once(asked: Tensor) -> int:
    return max(1, _SIMILARITIES // len(asked))


def _prefix(vectors: Tensor, dimensions: int) -> Tensor:
    """As model.nested.prefix."""
    cut = vectors[:, :dimensions].float()
    norms: Tensor = torch.linalg.vector_norm(cut, dim=1, keepdim=True)
    return cut / norms.clamp_min(1e-12)


def _first_of(hits: Tensor, groups: Tensor, count: int) -> Tensor:
    """The first place of each group where `hits` is true, (count,); each group has one."""
    places = torch.arange(len(hits), device=hits.device).masked_fill(~hits, len(hits))
    return places.new_full((count,), len(hits)).scatter_reduce(0, groups, places, "amin")


def _int(values: Tensor) -> Integers:
    return values.cpu().numpy()


def _float(values: Tensor) -> Floats:
    return values.cpu().numpy()
