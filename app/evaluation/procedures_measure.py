"""How procedures are ranked, by all that the gold says of a code and by its first four characters.

A report seldom says device and qualifier, and half of CodiEsp's gold has no approach either, so the operation at its
body part (four characters) is judged beside the code. An answer that fits a procedure of the gold takes its place; it
counts once, at its best rank. Of the others each code, or each beginning of four, takes one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.evaluation.measure import order
from app.evaluation.measured import Coder
from app.evaluation.procedures import LEAST, Operated
from app.evaluation.run import Progress
from app.pipeline.coding import CodedItem
from app.pipeline.note import CodingOptions
from model.metrics import ranking


@dataclass(frozen=True, slots=True)
class Level:
    """Means over the texts that have gold procedures."""

    MAP: float
    recall_5: float
    recall_20: float


@dataclass(frozen=True, slots=True)
class ProceduresMeasured:
    """texts and procedures count the gold; ranks: for each "id codes" its rank by the whole code and by four."""

    texts: int
    procedures: int
    whole: Level
    four: Level
    ranks: dict[str, tuple[int | None, int | None]]


def measure_procedures(
    coder: Coder, texts: Sequence[Operated], calibration: str, top_k: int, progress: Progress
) -> ProceduresMeasured:
    """Code every text as a request has it by default, and rank `codes` and `candidates` together."""
    options = CodingOptions(calibration=calibration, top_k=top_k)
    whole: list[list[str]] = []
    four: list[list[str]] = []
    for done, text in enumerate(texts, start=1):
        [coding] = coder.code([text.note], [options])
        answers = order(coding)
        whole.append(_named(text.expected, answers, None))
        four.append(_named(tuple(map(_shortened, text.expected)), answers, LEAST))
        progress("coding texts", done, len(texts))
    gold = [{_name(group) for group in text.expected} for text in texts]
    short = [{_name(_shortened(group)) for group in text.expected} for text in texts]
    return ProceduresMeasured(
        texts=len(texts),
        procedures=sum(map(len, gold)),
        whole=_level(whole, gold),
        four=_level(four, short),
        ranks={
            f"{text.id} {_name(group)}": (_rank(one, _name(group)), _rank(other, _name(_shortened(group))))
            for text, one, other in zip(texts, whole, four, strict=True)
            for group in text.expected
        },
    )


def _shortened(group: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(start[:LEAST] for start in group))


def _name(group: Sequence[str]) -> str:
    return "/".join(group)


def _named(expected: Sequence[tuple[str, ...]], answers: Sequence[CodedItem], length: int | None) -> list[str]:
    """The answers as the procedures they fit, others by their first `length` characters; each name once."""
    names = (next((_name(g) for g in expected if item.code.startswith(g)), item.code[:length]) for item in answers)
    return list(dict.fromkeys(names))


def _level(rankings: Sequence[Sequence[str]], gold: Sequence[set[str]]) -> Level:
    judged = ranking.judge(rankings, gold)
    recalls = (ranking.mean(ranking.recalls_at(judged, k)) for k in (5, 20))
    return Level(ranking.mean(ranking.average_precisions(judged)), *recalls)


def _rank(names: Sequence[str], name: str) -> int | None:
    return names.index(name) + 1 if name in names else None
