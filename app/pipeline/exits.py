"""Where the search stages of one note stop, when a rule was learned for it (docs/mrl.md)."""

from __future__ import annotations

from app.pipeline.crowding import CHOOSING, crowded
from index_builder.index import CodeHits
from model.nested import Floats
from model.retrieval.early_exit import EarlyExit


class Exits:
    """Looks after each stage whether a note may stop there. Without a rule it never does, and costs nothing."""

    def __init__(self, rule: EarlyExit | None) -> None:
        self._rule = rule
        self.stopped: int | None = None
        self.margins: dict[int, float] = {}

    def after(self, dimensions: int, hits: CodeHits, bias: Floats | None) -> int | None:
        """How many codes go on from here to the last stage; None where the next search stage is needed.

        bias (k,) of the hits, as their order counts it
        """
        if self._rule is None or dimensions not in self._rule.kept:
            return None
        margin = self._rule.margin(dimensions, crowded(hits, bias, CHOOSING).scores)
        self.margins[dimensions] = margin
        if not self._rule.settled(dimensions, margin):
            return None
        self.stopped = dimensions
        return self._rule.kept[dimensions]
