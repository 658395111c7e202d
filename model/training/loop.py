"""The training loop of the nested bi-encoder: one command on a CPU or a GPU, with checkpoint and resume."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.nested import PREFIXES
from model.tokenization import TextTokenizer
from model.training.losses import Hard, matryoshka
from model.training.network import NestedEncoder, encode_pieces, split_pieces
from model.training.pairs import Pair, PairSampler, Text, not_hard, not_negatives

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Everything that decides a run; written to the run folder and into the checkpoint's manifest."""

    steps: int = 1400
    batch: int = 128
    learning_rate: float = 6e-5
    projection_rate: float = 3e-4
    warmup: float = 0.05
    temperature: float = 0.05
    clause_share: float = 0.2
    prefixes: tuple[int, ...] = PREFIXES
    weights: tuple[float, ...] = field(default=(1.0, 1.0, 1.0, 1.0))
    max_tokens: int = 64
    seed: int = 0
    save_every: int = 100
    report_every: int = 10


def learning_rate(step: int, options: TrainingOptions) -> float:
    """Factor on the learning rates: linear warm-up, then cosine to 2 %."""
    warm = max(1, round(options.warmup * options.steps))
    if step < warm:
        return (step + 1) / warm
    progress = (step - warm) / max(1, options.steps - warm)
    return 0.02 + 0.98 * (1 + math.cos(math.pi * min(1.0, progress))) / 2


class Trainer:
    """Trains a network on a sampler's pairs and keeps its state in a run folder."""

    def __init__(
        self, network: NestedEncoder, tokenizer: TextTokenizer, options: TrainingOptions, run: Path, report: Report
    ) -> None:
        self.network, self.tokenizer, self.options, self.run, self.report = network, tokenizer, options, run, report
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(network.backbone.parameters()), "lr": options.learning_rate},
                {"params": list(network.projection.parameters()), "lr": options.projection_rate},
            ],
            weight_decay=0.01,
        )
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        self.step = 0

    def embed(self, texts: Sequence[Text]) -> Tensor:
        """Texts as pieces -> projected vectors (N, 768), not normalised."""
        pieces = split_pieces(self.tokenizer, texts)
        pooled = encode_pieces(self.network, self.tokenizer, pieces, room=self.options.max_tokens)
        vectors: Tensor = self.network.projection(pooled)
        return vectors

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        """The MRL loss of one batch. Each distinct text is encoded once."""
        negatives = list(dict.fromkeys(p.negative for p in pairs if p.negative))
        wanted = [p.query for p in pairs] + [p.target for p in pairs] + [n.text for n in negatives]
        texts = list(dict.fromkeys(wanted))
        place = {text: i for i, text in enumerate(texts)}
        vectors = self.embed(texts)
        hard = None
        if negatives:
            hard = Hard(vectors[[place[n.text] for n in negatives]], torch.from_numpy(not_hard(pairs, negatives)))
        return matryoshka(
            vectors[[place[p.query] for p in pairs]],
            vectors[[place[p.target] for p in pairs]],
            torch.from_numpy(not_negatives(pairs)),
            prefixes=self.options.prefixes,
            weights=self.options.weights,
            temperature=self.options.temperature,
            hard=hard,
        )

    def train(self, sampler: PairSampler, *, until: int | None = None) -> None:
        """Run the steps up to `until` (default: all)."""
        last = self.options.steps if until is None else min(until, self.options.steps)
        self.network.train()
        losses: list[float] = []
        started = time.monotonic()
        first = self.step
        while self.step < last:
            losses.append(self._update(sampler.batch(self.options.batch)))
            self.step += 1
            if self.step % self.options.report_every == 0:
                self._log(losses, (time.monotonic() - started) / (self.step - first))
                losses.clear()
            if self.step % self.options.save_every == 0 or self.step == last:
                self.save()

    def _update(self, pairs: Sequence[Pair]) -> float:
        factor = learning_rate(self.step, self.options)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        loss = self.loss(pairs)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def _log(self, losses: Sequence[float], seconds: float) -> None:
        mean = float(np.mean(losses))
        line = {"step": self.step, "loss": round(mean, 4), "seconds_per_step": round(seconds, 3)}
        with (self.run / "train.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        left = (self.options.steps - self.step) * seconds / 60
        self.report(
            f"step {self.step}/{self.options.steps}  loss {mean:.4f}  {seconds:.2f} s/step  {left:.0f} min left"
        )

    def save(self) -> None:
        """Write the state atomically: a kill leaves the last whole one."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "options": json.dumps(asdict(self.options)),
        }
        part = self.run / "state.part"
        torch.save(state, part)
        part.replace(self.run / "state.pt")

    def resume(self) -> None:
        """Continue from the run folder's state, if there is one."""
        path = self.run / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = int(state["step"])
        self.report(f"resumed at step {self.step}")


def rotate_to_principal_axes(trainer: Trainer, texts: Sequence[Text], *, second_layer: float = 0.5) -> None:
    """Start the projection as the principal axes of these texts' states, most variance first.

    A prefix of a random rotation holds a random part of the meaning; the first axes hold most of it, so the short
    prefixes start where they are useful. All layers but the last are scaled by `second_layer` first.
    """
    network = trainer.network
    with torch.inference_mode():
        pieces = split_pieces(trainer.tokenizer, texts)
        states = encode_pieces(network, trainer.tokenizer, pieces, room=trainer.options.max_tokens)
    hidden = states.shape[1] // len(network.layers)
    scale = torch.cat([torch.full((hidden,), 1.0 if layer in (-1,) else second_layer) for layer in network.layers])
    scaled = states * scale
    covariance = scaled.T @ scaled / len(scaled)
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)  # (R, R), descending
    with torch.no_grad():
        width = network.projection.weight.shape[0]
        network.projection.weight.zero_()  # where fewer states are read than dimensions made, the rest starts empty
        network.projection.weight[: axes.shape[1]] = (axes.T * scale)[:width]


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries below draw from the global state
    torch.manual_seed(seed)
