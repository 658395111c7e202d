"""The order files of CMS: every code of ICD-10-CM or ICD-10-PCS in one fixed-width text file, headers included.

Columns, counted from 1: 1-5 order number, 7-13 code without its dot, 15 a "1" where the code is valid for a claim,
17-76 short title, 78- long title (CMS, "ICD-10-CM/PCS order file" format notes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index_builder.codesets.protocol import Code
from index_builder.errors import CodeSetError

_CODE, _VALID, _LONG = slice(6, 14), 14, slice(77, None)
_LEAST = 3  # characters of a category or table


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line: the code without dot, whether it may stand on a claim, and its long title."""

    code: str
    billable: bool
    title: str


def read_order_file(file: Path) -> Iterator[OrderRow]:
    """The rows in their order. Raises CodeSetError naming the line that does not keep to the columns."""
    number = 0
    try:
        with file.open(encoding="ascii") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(file, number, line.rstrip("\n"))
    except FileNotFoundError:
        raise CodeSetError(file, "missing") from None
    except UnicodeDecodeError:
        raise CodeSetError(file, f"not ASCII after line {number}") from None


def to_codes(rows: Mapping[str, OrderRow], dotted: bool) -> Iterator[Code]:
    """The rows as codes; the parent is the longest code that begins the code. dotted: a dot after 3 characters."""
    for name, row in rows.items():
        starts = (name[:length] for length in range(len(name) - 1, _LEAST - 1, -1))
        parent = next((start for start in starts if start in rows), None)
        yield Code(_written(name, dotted), row.title, parent and _written(parent, dotted), row.billable, {})


def by_code(file: Path) -> dict[str, OrderRow]:
    """The rows by code. Raises CodeSetError for a code that is listed twice, or where there is none."""
    rows: dict[str, OrderRow] = {}
    for row in read_order_file(file):
        if row.code in rows:
            raise CodeSetError(file, f"code {row.code} is listed twice")
        rows[row.code] = row
    if not rows:
        raise CodeSetError(file, "lists no code")
    return rows


def _row(file: Path, number: int, line: str) -> OrderRow:
    code, valid, title = line[_CODE].strip(), line[_VALID : _VALID + 1], line[_LONG].strip()
    if not (_LEAST <= len(code) <= 7 and code.isalnum() and valid in ("0", "1") and title):
        raise CodeSetError(file, f"line {number}: expected a code in columns 7-13, 0 or 1 in 15, a title from 78")
    return OrderRow(code, valid == "1", title)


def _written(code: str, dotted: bool) -> str:
    return f"{code[:3]}.{code[3:]}" if dotted and len(code) > _LEAST else code
