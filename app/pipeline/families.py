"""Families: codes that differ in the 7th character only (initial encounter, subsequent encounter, sequela, ...).

A fracture of the femur has sixteen of them, all equally near to what a note says. Searched one by one they would fill
the shortlist of twenty and push every other finding out. So one of each family, its first allowed code, stands for it
in the search; at the end the family's codes are compared and the best one is answered, the others are its
alternatives. See docs/decisions/0007.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from model.encoder import Integers

Mask = npt.NDArray[np.bool_]
FULL_LENGTH = 7


class Families:
    """The families of a code set, from its code names in their order. Members of a family are neighbours."""

    def __init__(self, names: Sequence[str]) -> None:
        plain = [name.replace(".", "") for name in names]
        heads = [name[:-1] if len(name) == FULL_LENGTH else name + "." for name in plain]
        changed = [one != other for one, other in zip(heads, heads[1:], strict=False)]
        self._family = np.cumsum([0, *changed], dtype=np.int64)  # (C,)
        self._starts = np.flatnonzero(np.diff(self._family, prepend=-1))
        self._ends = np.append(self._starts[1:], len(heads))

    def of(self, positions: npt.NDArray[np.integer]) -> Integers:
        """The family of each of these codes, by number; a later code is of the same family or a higher one."""
        return np.asarray(self._family[positions])

    def all_of(self, families: Integers) -> Mask:
        """(C,) the codes of these families."""
        chosen = np.zeros(len(self._starts), dtype=np.bool_)
        chosen[families] = True
        return np.asarray(chosen[self._family])

    def representatives(self, allowed: Mask | None) -> Mask:
        """(C,) the first allowed code of every family; allowed None = all."""
        positions = np.arange(len(self._family)) if allowed is None else np.flatnonzero(allowed)
        first = np.diff(self._family[positions], prepend=-1) != 0
        mask = np.zeros(len(self._family), dtype=np.bool_)
        mask[positions[first]] = True
        return mask

    def members(self, position: int, allowed: Mask | None) -> Integers:
        """The allowed codes of this code's family, in their order."""
        family = int(self._family[position])
        codes = np.arange(self._starts[family], self._ends[family], dtype=np.int64)
        return codes if allowed is None else codes[allowed[codes]]
