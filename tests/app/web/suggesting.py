"""A coder whose answers hold everything that the page can show."""

from __future__ import annotations

from dataclasses import replace

from app.pipeline.coding import Alternative, Assertion, Caution, Coding
from app.pipeline.note import CodingOptions, Note
from tests.app.fakes import FakeCoder

TEXT = "😀 Podagra again, gout of the foot.\nNo asthma."


class SuggestingCoder(FakeCoder):
    """Gout is a code with an alternative and a warning, asthma is ruled out."""

    def _code(self, note: Note, options: CodingOptions) -> Coding:
        coding = super()._code(note, options)
        gout = [
            replace(
                item,
                probability=0.72,
                alternatives=(Alternative("M10", "Gout", 0.8),),
                warnings=(Caution("unspecified", "Which joint is not said.", ("M10.9",)),),
            )
            for item in coding.codes
            if item.code == "M10.9"
        ]
        asthma = [
            replace(item, probability=0.4, assertion=Assertion.NEGATED, reason="negated")
            for item in coding.codes
            if item.code == "J45.20"
        ]
        return replace(coding, codes=tuple(gout), suppressed=tuple(asthma))
