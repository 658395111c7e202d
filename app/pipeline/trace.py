"""What the evaluation sees of one note: the codes that each stage hands on, beside the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.pipeline.coding import Coding
from app.pipeline.encoding import EncodedNote
from app.pipeline.scoring import Scored
from app.pipeline.words import WordReader


@dataclass(frozen=True, slots=True)
class Ranking:
    """Codes, best first, each once, and their scores."""

    codes: tuple[str, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.codes) != len(self.scores):
            raise ValueError(f"{len(self.codes)} codes with {len(self.scores)} scores")

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Trace:
    """One note through the cascade.

    search64, rescore256, rescore768: what the stage ranked, before the next one cuts
    attend: the shortlist as the last stage ranks it
    exact768: the same, of the shortlist that an exact 768-d search chooses, when asked for
    prefixes: the ranking of an exact search by each prefix alone, when asked for
    final: the answer, the same as `code` gives
    margins: by dimensions, those that the early exits looked at
    """

    search64: Ranking
    rescore256: Ranking
    rescore768: Ranking
    attend: Ranking
    exact768: Ranking | None
    final: Coding
    prefixes: dict[int, Ranking] = field(default_factory=dict)
    margins: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examined:
    """A note as far as the last stage ranked its shortlist; words compares its clauses' words with wordings."""

    note: EncodedNote
    words: WordReader
    scored: Scored
