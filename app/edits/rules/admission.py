"""Which codes carry no present-on-admission indicator."""

from __future__ import annotations

from collections.abc import Iterator

from app.edits.case import Case, Finding, listed
from app.pipeline.coding import Caution


def poa_exempt(case: Case) -> Iterator[Finding]:
    """For an inpatient: the accepted codes of the exempt list, together."""
    exempt = tuple(code for code in case.names if case.book.poa_exempt(code))
    if case.inpatient and exempt:
        message = f"Exempt from present-on-admission reporting: {listed(exempt, 8)}."
        yield Finding(Caution("poa-exempt", message, exempt), overall=True)
