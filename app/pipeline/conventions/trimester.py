"""The trimester of a code: "twins" at 34 weeks are those of the third, whatever trimester the search found.

The weeks stand elsewhere in the note; the titles of such codes differ in the trimester alone.
"""

from __future__ import annotations

import re

from app.pipeline.assertion.reader import AssertionReader
from app.pipeline.coding import Caution
from app.pipeline.conventions.answering import Answering, worth
from app.pipeline.conventions.pregnancy import CHILDBIRTH, TRIMESTERS, pregnancy, time_of
from app.pipeline.spans import Segmented

RULE = "trimester"
_CODE = re.compile(r"O\d.*\d")
_NAMED = re.compile(r"\b(?:first|second|third|unspecified) trimester\b")
_LAST = {"first": "1", "second": "2", "third": "3"}  # characters of codes that name a trimester


def settle_trimester(answer: Answering, note: Segmented, reader: AssertionReader, age_years: float | None) -> None:
    """Report codes of another trimester as those of the note's; at a delivery that of childbirth is no trimester."""
    time = time_of(answer, note, reader, age_years)
    if time is None or time == CHILDBIRTH:
        return
    wanted = TRIMESTERS[time]
    for item in list(answer.items.values()):
        named = _NAMED.search(item.display)
        if not named or not _CODE.fullmatch(item.code) or worth(item) < answer.floor:
            continue
        code = item.code[:-1] + _LAST[wanted]
        meant = answer.items.get(code) or answer.make(code)
        title = f"{item.display[: named.start()]}{wanted} trimester{item.display[named.end() :]}"
        if code == item.code or meant is None or meant.display != title:
            continue
        because = pregnancy().because
        told = Caution(RULE, f"{code}: the note's weeks are of the {wanted} trimester ({because}).", (item.code,))
        probability = answer.report(code, worth(item), [item.evidence], told)
        if probability is not None:
            why = Caution(RULE, f"{item.code} is reported as {code} ({because}).", (code,))
            answer.lessen(item, probability, why)
