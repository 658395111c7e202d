"""When an edition of a code set is in force."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_US_CODE_SETS = frozenset({"icd-10-cm", "icd-10-pcs"})
_ICD9 = "icd-9-cm"
_ICD9_FINAL = 2014  # its codes stayed as they were until ICD-10 took over on 1 October 2015


@dataclass(frozen=True, slots=True)
class Validity:
    """First and last day on which a code of the edition may be reported."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether services of that day are coded with this edition."""
        return self.first <= day <= self.last


def validity(code_set: str, edition: str) -> Validity | None:
    """The half year of a US edition such as "2026-04"; None where the edition's name does not say.

    CMS and NCHS publish ICD-10-CM and ICD-10-PCS for 1 October, with an update for 1 April. Editions of ICD-9-CM are
    named by the fiscal year, which begins on 1 October of the year before.
    """
    if code_set == _ICD9 and re.fullmatch(r"\d{4}", edition):
        year = int(edition)
        return Validity(date(year - 1, 10, 1), date(2015 if year == _ICD9_FINAL else year, 9, 30))
    match = re.fullmatch(r"(\d{4})-(04|10)", edition)
    if match is None or code_set not in _US_CODE_SETS:
        return None
    year, month = int(match[1]), int(match[2])
    following = date(year, 10, 1) if month == 4 else date(year + 1, 4, 1)
    return Validity(first=date(year, month, 1), last=following - timedelta(days=1))
