"""The numbers of an encoder's configuration that hand-made forward passes need: ONNX graphs, the unpadded torch one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BertShape:
    """The numbers of a BERT configuration that the graph needs."""

    layers: int
    hidden: int
    heads: int
    epsilon: float

    @classmethod
    def of(cls, config: Mapping[str, object]) -> BertShape:
        """From a Hugging Face config; raises ValueError when it is not a plain BERT."""
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise ValueError("only BERT encoders with exact GELU have a hand-made graph")
        return cls(
            layers=int(str(config["num_hidden_layers"])),
            hidden=int(str(config["hidden_size"])),
            heads=int(str(config["num_attention_heads"])),
            epsilon=float(str(config["layer_norm_eps"])),
        )


@dataclass(frozen=True, slots=True)
class ModernBertShape:
    """The numbers of a ModernBERT configuration that the graph needs.

    local: for each layer whether its attention is local; thetas: rotary base of (global, local) layers
    reach: how far, in tokens, local attention sees to either side
    """

    hidden: int
    heads: int
    epsilon: float
    local: tuple[bool, ...]
    thetas: tuple[float, float]
    reach: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ModernBertShape:
        """From a Hugging Face config. Raises ValueError for what the graph does not know, by the config's field."""
        if config.get("model_type") != "modernbert" or config.get("hidden_activation") != "gelu":
            raise ValueError("hidden_activation: only ModernBERT with exact GELU has a hand-made graph")
        rope = config["rope_parameters"]
        kinds = ("full_attention", "sliding_attention")
        if any(rope[kind].get("rope_type", "default") != "default" for kind in kinds):
            raise ValueError("rope_parameters: only plain rotary positions have a hand-made graph")
        return cls(
            hidden=int(config["hidden_size"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config["norm_eps"]),
            local=tuple(kind == "sliding_attention" for kind in config["layer_types"]),
            thetas=(float(rope[kinds[0]]["rope_theta"]), float(rope[kinds[1]]["rope_theta"])),
            reach=int(config["local_attention"]) // 2,
        )

    @property
    def width(self) -> int:
        """Dimensions of one head."""
        return self.hidden // self.heads
