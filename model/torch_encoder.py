"""The torch backend with padding: any Hugging Face encoder, also one in training, on a CPU or a GPU.

What `model.packed.opening` opens has no padding where the architecture allows. Needs the extra [torch].
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from model.checkpoint import Checkpoint
from model.encoder import Integers, ModelInfo, TokenStates
from model.errors import ModelError
from model.nested import WIDTH, Floats
from model.tokenization import TextTokenizer, Window, encode_windows


class TorchEncoder:
    """Encodes windows of similar length together, padded to the longest; padding is masked out of attention.

    backbone: a Hugging Face encoder that is on its device and in its dtype
    projection: (768, R), or None for an encoder whose state is 768 wide already
    layers: hidden states that are read, as Hugging Face counts them
    half: run a float32 backbone under bfloat16 autocast
    """

    def __init__(
        self,
        backbone: nn.Module,
        tokenizer: TextTokenizer,
        projection: Floats | None,
        layers: Sequence[int],
        info: ModelInfo,
        *,
        batch_tokens: int = 4096,
        half: bool = False,
    ) -> None:
        self._backbone = backbone.eval()
        self._device = next(backbone.parameters()).device
        self._tokenizer = tokenizer
        self._projection = projection
        self._layers = tuple(layers)
        self._info = info
        self._batch_tokens = batch_tokens
        self._half = half

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint, *, batch_tokens: int | None = None) -> TorchEncoder:
        """A trained checkpoint: on the GPU in bfloat16 when there is one, else on the CPU in float32."""
        tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
        info, projection = checkpoint.info("torch"), checkpoint.projection()
        budget = batch_tokens or _default_budget()
        return cls(placed(load(checkpoint.path)), tokenizer, projection, checkpoint.layers, info, batch_tokens=budget)

    @classmethod
    def from_hugging_face(cls, source: str | Path, *, max_tokens: int = 8192) -> TorchEncoder:
        """Any 768-wide Hugging Face encoder by folder or hub id, as it is: its last state, identity projection.

        Its windows are as long as its context, at most `max_tokens`; the version is a hash of its weights. Raises
        ModelError when it is not 768 wide (train a projection first) or has no fast tokenizer.
        """
        backbone = load(source)
        info = describe(backbone, source, max_tokens)
        budget = max(info.max_tokens, _default_budget())
        return cls(placed(backbone), tokenizer_of(source), None, (-1,), info, batch_tokens=budget)

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        return self._info

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts' tokens, in order. Long texts go through overlapping windows; nothing is cut."""
        width = int(self._backbone.config.hidden_size) * len(self._layers)  # type: ignore[union-attr, arg-type]
        return encode_windows(
            self._tokenizer, texts, self._run, max_tokens=self._info.max_tokens, width=width, budget=self._batch_tokens
        )

    def _run(self, batch: Sequence[Window], ids: Integers, states: Floats) -> None:
        padded, mask = self._pad(batch, ids)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            out = self._backbone(
                input_ids=padded.to(self._device), attention_mask=mask.to(self._device), output_hidden_states=True
            )
        read = torch.cat([out.hidden_states[layer] for layer in self._layers], dim=-1)
        rows = read.float().cpu().numpy()  # (B, L, R)
        for row, window in zip(rows, batch, strict=True):
            kept = slice(window.keep_start - window.start + 1, window.keep_end - window.start + 1)
            states[window.keep_start : window.keep_end] = row[kept]

    def _pad(self, batch: Sequence[Window], ids: Integers) -> tuple[Tensor, Tensor]:
        longest = max(w.end - w.start for w in batch) + 2
        padded = torch.zeros(len(batch), longest, dtype=torch.int64)
        mask = torch.zeros(len(batch), longest, dtype=torch.int64)
        for row, window in enumerate(batch):
            size = window.end - window.start
            padded[row, 0] = self._tokenizer.first
            padded[row, 1 : 1 + size] = torch.from_numpy(ids[window.start : window.end])
            padded[row, 1 + size] = self._tokenizer.last
            mask[row, : size + 2] = 1
        return padded, mask

    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, 768), not normalised."""
        return states if self._projection is None else np.asarray(states @ self._projection.T, dtype=np.float32)


def load(source: str | Path) -> nn.Module:
    """An encoder by folder or hub id, on the CPU in float32; HF_HUB_OFFLINE=1 keeps it off the network."""
    backbone: nn.Module = AutoModel.from_pretrained(source, dtype=torch.float32)
    return backbone


def placed(backbone: nn.Module) -> nn.Module:
    """On the GPU in bfloat16 where there is one."""
    return backbone.to("cuda", torch.bfloat16) if torch.cuda.is_available() else backbone


def describe(backbone: nn.Module, source: str | Path, max_tokens: int) -> ModelInfo:
    """What an encoder is that serves as it is: the version is a hash of its weights as loaded, on whatever device it
    runs later. Raises ModelError when it is not 768 wide."""
    config: Any = backbone.config
    if config.hidden_size != WIDTH:
        raise ModelError(f"the encoder is {config.hidden_size} wide, not {WIDTH}: train a projection first")
    room = min(max_tokens, int(config.max_position_embeddings))
    return ModelInfo(Path(source).name, _hash_of_weights(backbone), WIDTH, room, "window", "torch")


def _default_budget() -> int:
    return 16384 if torch.cuda.is_available() else 4096


def tokenizer_of(source: str | Path) -> TextTokenizer:
    """The fast tokenizer of a Hugging Face encoder; its file is written anew, so that hub ids work as folders do.

    Raises ModelError where it has none.
    """
    fast = AutoTokenizer.from_pretrained(source)
    if not fast.is_fast or fast.cls_token_id is None or fast.sep_token_id is None:
        raise ModelError("the encoder needs a fast tokenizer with a first and a last special token")
    with tempfile.TemporaryDirectory() as folder:
        fast.save_pretrained(folder)
        return TextTokenizer(Path(folder) / "tokenizer.json", first=fast.cls_token_id, last=fast.sep_token_id)


def _hash_of_weights(backbone: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(backbone.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
