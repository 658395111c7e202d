"""What reports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table; the first column names the row, the others are figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[Sequence[str], ...]


Part = Sheet | str
