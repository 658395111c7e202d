"""The training loop of the nested bi-encoder: on a CPU, a GPU, or several by torchrun, with checkpoint and resume."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.tokenization import TextTokenizer
from model.training.distributed import World
from model.training.gradient_cache import CachedVectors
from model.training.losses import Hard, prefix_losses
from model.training.network import NestedEncoder
from model.training.options import TrainingOptions, learning_rate
from model.training.pairs import Pair, not_hard, not_negatives
from model.training.pooling import encode_pieces, split_pieces
from model.training.probe import Probe
from model.training.sampling import PairSampler, SamplerState
from model.training.state import read_state, write_state
from model.training.text import Text
from model.training.weighting import Sequential, rest, weighting

Report = Callable[[str], None]


class Trainer:
    """Trains a network on a sampler's pairs and keeps its state in a run folder.

    world: the processes that share each batch; the network must be on its device already
    probe: measured every `options.probe_every` steps, into dev.jsonl
    draw:  called with the run folder whenever the state has been saved, to draw its logs
    """

    def __init__(
        self,
        network: NestedEncoder,
        tokenizer: TextTokenizer,
        options: TrainingOptions,
        run: Path,
        report: Report,
        *,
        world: World | None = None,
        probe: Probe | None = None,
        draw: Callable[[Path], object] | None = None,
    ) -> None:
        self.network, self.tokenizer, self.options, self.run, self.report = network, tokenizer, options, run, report
        self.world, self.probe, self._draw = world or World(), probe, draw
        self.weighting = weighting(
            options.weighting, options.prefixes, steps=options.steps, fixed=options.prefix_weights
        ).to(network.device)
        # Decay would move rows of the projection that sequential training has finished.
        decay = 0.0 if isinstance(self.weighting, Sequential) else 0.01
        groups = [
            {"params": list(network.backbone.parameters()), "lr": options.learning_rate},
            {"params": list(network.projection.parameters()), "lr": options.projection_rate, "weight_decay": decay},
        ]
        if learned := list(self.weighting.parameters()):
            groups.append({"params": learned, "lr": options.weighting_rate, "weight_decay": 0.0})
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._rates = [group["lr"] for group in self.optimizer.param_groups]
        self._sampler: SamplerState | None = None
        self.step = 0

    def pool(self, texts: Sequence[Text]) -> Tensor:
        """Texts -> mean states of the read layers (N, R), float32."""
        pieces = split_pieces(self.tokenizer, texts, room=self.options.max_tokens)
        kind = self.network.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.options.precision == "bf16"):
            return encode_pieces(self.network, self.tokenizer, pieces)

    def embed(self, texts: Sequence[Text]) -> Tensor:
        """Texts -> projected vectors (N, 768), not normalised."""
        vectors: Tensor = self.network.projection(self.pool(texts))
        return vectors

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        """The weighted MRL loss of one batch. Each distinct text is encoded once."""
        texts = _distinct(pairs)
        return self._weighted(self.losses(pairs, texts, self.embed(texts)))

    def losses(self, pairs: Sequence[Pair], texts: Sequence[Text], vectors: Tensor) -> Tensor:
        """The contrastive loss at each prefix, (P,), given the vectors (N, D) of the batch's distinct texts."""
        place = {text: i for i, text in enumerate(texts)}
        vectors = self.weighting.mask(vectors, self.step)
        negatives = list(dict.fromkeys(p.negative for p in pairs if p.negative))
        hard = None
        if negatives:
            ignore = torch.from_numpy(not_hard(pairs, negatives)).to(vectors.device)
            hard = Hard(vectors[[place[n.text] for n in negatives]], ignore)
        return prefix_losses(
            vectors[[place[p.query] for p in pairs]],
            vectors[[place[p.target] for p in pairs]],
            torch.from_numpy(not_negatives(pairs)).to(vectors.device),
            prefixes=self.options.prefixes,
            temperature=self.options.temperature,
            hard=hard,
        )

    def backward(self, pairs: Sequence[Pair]) -> tuple[float, list[float]]:
        """Set the gradients of one batch, shared by all processes; returns the loss and the loss at each prefix."""
        texts = _distinct(pairs)
        own = CachedVectors(self.embed, texts[self.world.share(len(texts))], self.options.chunk)
        losses = self.losses(pairs, texts, self.world.gather(own.leaf, len(texts)))
        loss = self._weighted(losses)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        own.backward()
        self.world.sum_gradients(self.network.parameters())  # the weighting's are the same everywhere
        return float(loss.detach()), losses.detach().tolist()

    def _weighted(self, losses: Tensor) -> Tensor:
        return self.weighting.total(losses, self.step)

    def train(self, sampler: PairSampler, *, until: int | None = None) -> None:
        """Run the steps up to `until` (default: all). A resumed run goes on in its sampler where that stopped."""
        last = self.options.steps if until is None else min(until, self.options.steps)
        if self._sampler is not None:
            sampler.restore(self._sampler)
            self._sampler = None
        self.network.train()
        losses: list[tuple[float, list[float]]] = []
        started, first = time.monotonic(), self.step
        while self.step < last:
            losses.append(self._update(sampler.batch(self.options.batch)))
            self.step += 1
            if self.step % self.options.report_every == 0 or self.step == self.options.steps:
                self._log(losses, (time.monotonic() - started) / (self.step - first))
                losses.clear()
            if self.options.probe_every and self.step % self.options.probe_every == 0:
                self._measure()
            if self.step % self.options.save_every == 0 or self.step == last:
                self.save(sampler.state())

    def _update(self, pairs: Sequence[Pair]) -> tuple[float, list[float]]:
        factor = learning_rate(self.step, self.options)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        found = self.backward(pairs)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        rest(self.optimizer, self.network.projection.weight, self.weighting.finished(self.step))
        self.optimizer.step()
        return found

    def _log(self, losses: Sequence[tuple[float, list[float]]], seconds: float) -> None:
        mean, each = float(np.mean([loss for loss, _ in losses])), np.mean([each for _, each in losses], axis=0)
        by_prefix = {str(size): round(float(x), 4) for size, x in zip(self.options.prefixes, each, strict=True)}
        weights = self.weighting.weights(torch.tensor(each, device=self.network.device), self.step).tolist()
        line = {
            "step": self.step,
            "loss": round(mean, 4),
            "losses": by_prefix,
            "weights": [round(w, 4) for w in weights],
        }
        self._write("train.jsonl", {**line, "seconds_per_step": round(seconds, 3)})
        left = (self.options.steps - self.step) * seconds / 60
        self.say(f"step {self.step}/{self.options.steps}  loss {mean:.4f}  {seconds:.2f} s/step  {left:.0f} min left")

    def _measure(self) -> None:
        if self.probe is None or not self.world.first:
            return
        self.network.eval()
        found = self.probe.measure(self.embed, self.options.prefixes)
        self.network.train()
        recall = {str(size): round(value, 4) for size, value in found.items()}
        self._write("dev.jsonl", {"step": self.step, f"recall@{self.probe.top}": recall})
        shown = "  ".join(f"{size}-d {value:.3f}" for size, value in found.items())
        self.say(f"step {self.step}: held-out terms find their title among {self.probe.top}: {shown}")

    def _write(self, name: str, line: dict[str, object]) -> None:
        if self.world.first:
            with (self.run / name).open("a") as log:
                log.write(json.dumps(line) + "\n")

    def say(self, line: str) -> None:
        """Report a line, once for all processes."""
        if self.world.first:
            self.report(line)

    def save(self, sampler: SamplerState | None = None) -> None:
        """Write the state; only the first process does."""
        if self.world.first:
            parts = {
                "step": self.step,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "weighting": self.weighting.state_dict(),
                "sampler": sampler,
            }
            write_state(self.run, parts, self.options)
            if self._draw is not None:
                self._draw(self.run)

    def resume(self) -> None:
        """Continue from the run folder's state, if there is one; the next `train` restores its sampler."""
        state = read_state(self.run)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if "weighting" in state:
            self.weighting.load_state_dict(state["weighting"])
        self._sampler = state.get("sampler")
        self.step = int(state["step"])
        self.say(f"resumed at step {self.step}")


def _distinct(pairs: Sequence[Pair]) -> list[Text]:
    """The batch's texts, each once: queries, targets, hard negatives."""
    negatives = [p.negative.text for p in pairs if p.negative]
    return list(dict.fromkeys([*(p.query for p in pairs), *(p.target for p in pairs), *negatives]))


def rotate_to_principal_axes(trainer: Trainer, texts: Sequence[Text], *, second_layer: float = 0.5) -> None:
    """Start the projection as the principal axes of these texts' states, most variance first.

    A prefix of a random rotation holds a random part of the meaning; the first axes hold most of it, so the short
    prefixes start where they are useful. All layers but the last are scaled by `second_layer` first.
    """
    network = trainer.network
    with torch.inference_mode():
        states = trainer.pool(texts)
    hidden = states.shape[1] // len(network.layers)
    scales = [torch.full((hidden,), 1.0 if layer == -1 else second_layer) for layer in network.layers]
    scale = torch.cat(scales).to(states.device)
    scaled = states * scale
    covariance = scaled.T @ scaled / len(scaled)
    axes = torch.linalg.eigh(covariance).eigenvectors.flip(1)  # (R, R), descending
    with torch.no_grad():
        width = network.projection.weight.shape[0]
        network.projection.weight.zero_()  # where fewer states are read than dimensions made, the rest starts empty
        network.projection.weight[: axes.shape[1]] = (axes.T * scale)[:width]
