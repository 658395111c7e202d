"""What a label attention is made of; stands in its file as JSON and decides what the other tensors mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ATTENTIONS = ("learned", "static", "differentiable")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class AttentionConfig:
    """The parts of a label attention.

    width:       D, the nested prefix of tokens and labels that is read
    attentions:  which of the three are combined, in the order of ATTENTIONS
    learned_k, static_k, differentiable_k: inattention of each, None = every token
    map_rank:    rank of the low-rank maps that learned queries and values go through
    ranker_width, ranker_hidden: sizes of the learning-to-rank network
    encoder:     version of the encoder whose tokens it was trained on
    training:    how it was trained, free form
    """

    width: int = 256
    attentions: tuple[str, ...] = ATTENTIONS
    learned_k: int | None = None
    static_k: int | None = 5
    differentiable_k: int | None = 30
    map_rank: int = 32
    ranker_width: int = 32
    ranker_hidden: int = 16
    encoder: str = ""
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.attentions or list(self.attentions) != [name for name in ATTENTIONS if name in self.attentions]:
            raise ValueError(f"attentions must be some of {ATTENTIONS} in this order, not {self.attentions}")
        for name in ATTENTIONS:
            k = self.k(name)
            if k is not None and k < 1:
                raise ValueError(f"{name}_k is {k}; at least 1 is needed")

    def k(self, attention: str) -> int | None:
        """How many scores of this attention are kept; None = all."""
        found: int | None = getattr(self, f"{attention}_k")
        return found

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> AttentionConfig:
        """Raises ValueError for another format, an unknown field or text that is no JSON object."""
        loaded = json.loads(text)
        if not isinstance(loaded, Mapping) or loaded.get("format") != FORMAT:
            raise ValueError(f"not a label attention of format {FORMAT}")
        given = {name: value for name, value in loaded.items() if name != "format"}
        unknown = sorted(given.keys() - {known.name for known in fields(cls)})
        if unknown:
            raise ValueError(f"unknown field {unknown[0]}")
        return cls(**{**given, "attentions": tuple(given.get("attentions", ATTENTIONS))})
