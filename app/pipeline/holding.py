"""Which code sets are to be served, as settings and flags write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOLDING = re.compile(r"(?P<code_set>[a-z0-9]+(?:[.-][a-z0-9]+)*)(?:@(?P<edition>[A-Za-z0-9][A-Za-z0-9._-]*))?")


@dataclass(frozen=True, slots=True)
class Holding:
    """A code set that is to be served. edition: None = its current artifact; index: this artifact instead."""

    code_set: str
    edition: str | None = None
    index: str | None = None

    @classmethod
    def parse(cls, text: str) -> Holding:
        """ "icd-10-pcs", or "icd-10-cm@2025-10" for another edition. Raises ValueError for anything else."""
        match = _HOLDING.fullmatch(text)
        if match is None:
            raise ValueError("must be the name of a code set, or name@edition")
        return cls(match["code_set"], match["edition"])
