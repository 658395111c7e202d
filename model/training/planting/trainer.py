"""Planting and fine-tuning: mutual information -> learning to rank -> binary cross-entropy over a code sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from model.attention.config import AttentionConfig
from model.nested import Floats
from model.training.planting.attention import Note, PlantedAttention
from model.training.planting.mutual_information import Counts, WordsOfCodes, count_words
from model.training.planting.notes import LabelPool, TrainingNote
from model.training.planting.ranker import RankerOptions, ranking_lists, train_ranker
from model.training.planting.sampling import CodeSample, SampleSizes, sample_codes
from model.training.planting.schedule import Rates, groups, optimizer
from model.training.planting.tokens import CachedTokens, TokenSource

Report = Callable[[str, int, int], None]  # what is being done, done, total


@dataclass(frozen=True, slots=True)
class PlantOptions:
    """Everything that decides a run beside the notes and the configuration.

    planted:   train the ranker on mutual information first; False leaves it as it starts
    folds:     the static attention of a training note is counted over the notes of the other folds: counted over the
               note itself, every gold code would have its words and every other rare code none, and the attention
               would learn that a code without counts is wrong
    boost:     learn the element-wise weights; False keeps them at one
    bias_from: a code seen in so many training notes or more has a bias of its own; None = no code has
    batch:     notes per update
    """

    epochs: int = 6
    batch: int = 8
    planted: bool = True
    folds: int = 5
    boost: bool = True
    bias_from: int | None = 3
    words_per_code: int = 30
    least_notes: int = 3
    sizes: SampleSizes = field(default_factory=SampleSizes)
    rates: Rates = field(default_factory=Rates)
    ranker: RankerOptions = field(default_factory=RankerOptions)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained attention. epochs: per epoch its train and dev loss; ranker: what learning to rank achieved."""

    module: PlantedAttention
    epochs: list[dict[str, float]]
    ranker: dict[str, float]
    options: PlantOptions

    def record(self) -> dict[str, Any]:
        """How it was trained, for the file's configuration."""
        return {"options": asdict(self.options), "ranker": self.ranker, "epochs": self.epochs}


def plant(
    notes: Sequence[TrainingNote],
    pool: LabelPool,
    config: AttentionConfig,
    options: PlantOptions,
    *,
    dev: Sequence[TrainingNote] = (),
    source: TokenSource | None = None,
    layers: Sequence[nn.Module] = (),
    report: Report = lambda *_: None,
) -> Trained:
    """Train a label attention. The same notes, options and threads give the same weights.

    dev:    notes whose loss is noted after each epoch; nothing is chosen by it
    source: where tokens come from, the cache by default; layers: encoder layers to train with it, top first
    """
    torch.manual_seed(options.seed)
    counted = _count(notes, options)
    module = PlantedAttention(config, counted, _biased(notes, counted, options.bias_from))
    ranked: dict[str, float] = {}
    if options.planted and "differentiable" in config.attentions:
        lists = ranking_lists(notes, counted, options.ranker.others, np.random.default_rng(options.seed))
        ranked = train_ranker(module.ranker, lists, options.ranker, options.seed)
    tuner = _Tuner(module, pool, options, source or CachedTokens(), layers)
    epochs = tuner.run(notes, dev, report)
    return Trained(module.eval(), epochs, ranked, options)


def note_input(
    module: PlantedAttention,
    note: TrainingNote,
    codes: Sequence[str],
    vectors: Floats,
    tokens: Tensor,
    counted: WordsOfCodes | None = None,
) -> Note:
    """What the attention reads of a note for some codes: vectors (L, D), tokens (T, D).

    counted: where the static attention is looked up, by default in the module's own counts
    """
    static = np.full((len(codes), len(note.words)), -np.inf, dtype=np.float32)
    if "static" in module.config.attentions:
        table = counted or module.counted
        words = table.words.ids(note.words)
        for row, code in enumerate(table.codes.ids(codes).tolist()):
            if code >= 0:
                static[row] = table.table.scores(code, words, len(table.words))
    places = torch.from_numpy(module.counted.codes.ids(codes))
    return Note(tokens, torch.from_numpy(vectors), torch.from_numpy(static), places)


@torch.no_grad()
def candidate_logits(module: PlantedAttention, note: TrainingNote, source: TokenSource | None = None) -> Floats:
    """(candidates,) logits of a note's candidates, in their order."""
    codes = note.codes[: note.candidates]
    vectors = note.vectors[: note.candidates].astype(np.float32)
    tokens = (source or CachedTokens()).tokens(note)
    logits: Floats = module(note_input(module, note, codes, vectors, tokens)).numpy()
    return logits


def _count(notes: Sequence[TrainingNote], options: PlantOptions) -> WordsOfCodes:
    counts = [Counts(frozenset(note.words), note.gold) for note in notes]
    return count_words(counts, keep=options.words_per_code, least=options.least_notes)


def _counted_without(notes: Sequence[TrainingNote], options: PlantOptions) -> dict[str, WordsOfCodes]:
    """By note id the counts over the notes of the other folds."""
    found: dict[str, WordsOfCodes] = {}
    for fold in range(options.folds):
        counted = _count([note for at, note in enumerate(notes) if at % options.folds != fold], options)
        found |= {note.id: counted for note in notes[fold :: options.folds]}
    return found


def _biased(notes: Sequence[TrainingNote], counted: WordsOfCodes, least: int | None) -> Tensor:
    seen = np.zeros(len(counted.codes), dtype=np.int64)
    for note in notes:
        seen[counted.codes.ids(sorted(note.gold))] += 1
    return torch.from_numpy((seen >= least if least is not None else seen < 0).astype(np.float32))


class _Tuner:
    """The second phase: everything learns from cross-entropy, group by group."""

    def __init__(
        self,
        module: PlantedAttention,
        pool: LabelPool,
        options: PlantOptions,
        source: TokenSource,
        layers: Sequence[nn.Module],
    ) -> None:
        self._module, self._pool, self._options, self._source = module, pool, options, source
        self._groups = groups(module, options.rates, layers, boost=options.boost)
        self._optimizer = optimizer(self._groups)
        self._counted: dict[str, WordsOfCodes] = {}

    def run(self, notes: Sequence[TrainingNote], dev: Sequence[TrainingNote], report: Report) -> list[dict[str, float]]:
        if "static" in self._module.config.attentions and self._options.folds > 1:
            self._counted = _counted_without(notes, self._options)
        rng = np.random.default_rng(self._options.seed)
        history = []
        for epoch in range(self._options.epochs):
            for group in self._groups:
                group.thaw(epoch)
            losses: list[float] = []
            order = rng.permutation(len(notes))
            for start in range(0, len(order), self._options.batch):
                batch = [notes[at] for at in order[start : start + self._options.batch].tolist()]
                losses += self._update(batch, rng)
                report(f"epoch {epoch + 1}", len(losses), len(notes))
            history.append({"train_loss": float(np.mean(losses)), "dev_loss": self._dev_loss(dev)})
        return history

    def _update(self, batch: Sequence[TrainingNote], rng: np.random.Generator) -> list[float]:
        self._optimizer.zero_grad(set_to_none=True)
        losses = []
        for note in batch:
            loss = self._loss(note, sample_codes(note, self._pool, self._options.sizes, rng))
            (loss / len(batch)).backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
        trained = [p for group in self._groups for p in group.parameters]
        nn.utils.clip_grad_norm_(trained, 1.0)
        self._optimizer.step()
        return losses

    def _loss(self, note: TrainingNote, sample: CodeSample) -> Tensor:
        tokens, counted = self._source.tokens(note), self._counted.get(note.id)  # None for a dev note
        read = note_input(self._module, note, sample.codes, sample.vectors, tokens, counted)
        return nn.functional.binary_cross_entropy_with_logits(self._module(read), torch.from_numpy(sample.targets))

    @torch.no_grad()
    def _dev_loss(self, dev: Sequence[TrainingNote]) -> float:
        """Over the same code samples after every epoch and in every run."""
        rng = np.random.default_rng(0)
        losses = [float(self._loss(note, sample_codes(note, self._pool, self._options.sizes, rng))) for note in dev]
        return float(np.mean(losses)) if losses else float("nan")
