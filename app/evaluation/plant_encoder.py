"""Training encoder layers together with the label attention: notes are encoded anew, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from app.evaluation.corpora import CodedNote
from app.evaluation.plant_cache import NoteCache
from model.checkpoint import DEFAULT, Checkpoint
from model.export import export
from model.tokenization import TextTokenizer
from model.training.network import NestedEncoder
from model.training.planting.schedule import top_layers
from model.training.planting.tokens import EncodedTokens


@dataclass(frozen=True, slots=True)
class Unfrozen:
    """An encoder whose last layers learn. An index is built anew with the exported checkpoint: its vectors change."""

    network: NestedEncoder
    checkpoint: Checkpoint
    source: EncodedTokens
    layers: tuple[nn.Module, ...]

    def export(self, folder: Path, record: dict[str, Any]) -> str:
        """Write the changed checkpoint; returns its version."""
        kept = ("name", "max_tokens", "encoding_unit", "special_tokens")
        card = {**{name: self.checkpoint.card[name] for name in kept}, "training": {"planted": str(record["options"])}}
        return export(self.network.eval(), self.checkpoint.path, folder, card)


def unfreeze(model: Path | None, count: int, cache: NoteCache, notes: Sequence[CodedNote], width: int) -> Unfrozen:
    """Open the checkpoint for training, all frozen but its last `count` layers. Raises CheckpointError, ValueError."""
    checkpoint = Checkpoint.open(model or DEFAULT)
    network = NestedEncoder.resume(checkpoint)
    network.requires_grad_(False)
    layers = tuple(top_layers(network.backbone, count))
    tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
    clauses = {note.id: cache.clauses(note.note) for note in notes}
    source = EncodedTokens(network, tokenizer, clauses, width=width, max_tokens=checkpoint.max_tokens)
    return Unfrozen(network, checkpoint, source, layers)
