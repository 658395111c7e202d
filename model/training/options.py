"""What decides a training run, and the schedule of its learning rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from model.nested import PREFIXES

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Everything that decides a run; written into its state and into the checkpoint's card.

    batch:          pairs per step, over all processes together
    weighting:      how the prefixes' losses are weighed, a name of model/training/weighting.py
    prefix_weights: the weights of "fixed", one per prefix
    max_tokens:     tokens of a training text without special tokens; of longer ones the beginning is read, of
                    contexts the stretch around the words
    chunk:          texts per forward pass with gradient caching; 0 = all at once
    precision:      bf16 = encoder under autocast; pooling, projection and loss stay in float32
    probe_every:    steps between measurements on held-out terms; 0 = never
    """

    steps: int = 1400
    batch: int = 128
    learning_rate: float = 6e-5
    projection_rate: float = 3e-4
    weighting_rate: float = 1e-2
    warmup: float = 0.05
    temperature: float = 0.05
    clause_share: float = 0.2
    prefixes: tuple[int, ...] = PREFIXES
    weighting: str = "equal"
    prefix_weights: tuple[float, ...] | None = None
    max_tokens: int = 64
    chunk: int = 0
    precision: Precision = "fp32"
    seed: int = 0
    save_every: int = 100
    report_every: int = 10
    probe_every: int = 0

    def __post_init__(self) -> None:
        if self.chunk < 0:
            raise ValueError(f"chunk {self.chunk} is negative")
        if self.precision not in ("fp32", "bf16"):
            raise ValueError(f"precision {self.precision}: fp32 and bf16 are known")


def learning_rate(step: int, options: TrainingOptions) -> float:
    """Factor on the learning rates: linear warm-up, then cosine to 2 %."""
    warm = max(1, round(options.warmup * options.steps))
    if step < warm:
        return (step + 1) / warm
    progress = (step - warm) / max(1, options.steps - warm)
    return 0.02 + 0.98 * (1 + math.cos(math.pi * min(1.0, progress))) / 2
