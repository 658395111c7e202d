"""What every parser yields, and how a table writes its codes."""

from __future__ import annotations

from dataclasses import dataclass

from index_builder.codesets.protocol import FormSource


@dataclass(frozen=True, slots=True, order=True)
class TermRow:
    """A wording and the code that a table gives it; the code may not exist in the tabular."""

    code: str
    text: str
    source: FormSource


def read_code(cell: str) -> str:
    """'L02.61-' -> 'L02.61', 'C79.8-' -> 'C79.8', '--' -> ''."""
    return cell.strip().rstrip("-").rstrip(".")
