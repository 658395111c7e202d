"""The torch backend: any Hugging Face encoder by folder, on a CPU or a GPU. Needs the extra [torch]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModel

from model.checkpoint import Checkpoint
from model.encoder import Integers, ModelInfo, TokenStates
from model.nested import Floats
from model.tokenization import TextTokenizer, Window, token_budget_batches, windows


class TorchEncoder:
    """Encodes windows of similar length together, padded to the longest; padding is masked out of attention.

    device: where the model runs; dtype: float32, or bfloat16 where the device is fast at it.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch_tokens: int = 4096,
    ) -> None:
        self._checkpoint = checkpoint
        self._tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
        self._projection = checkpoint.projection()
        self._device = torch.device(device)
        self._batch_tokens = batch_tokens
        backbone = AutoModel.from_pretrained(checkpoint.path, dtype=dtype, local_files_only=True)
        self._backbone = backbone.to(self._device).eval()

    @classmethod
    def from_checkpoint(cls, checkpoint: Checkpoint) -> TorchEncoder:
        """On the GPU in bfloat16 when there is one, else on the CPU in float32."""
        if torch.cuda.is_available():
            return cls(checkpoint, device="cuda", dtype=torch.bfloat16, batch_tokens=16384)
        return cls(checkpoint)

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        return self._checkpoint.info("torch")

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts' tokens, in order. Long texts go through overlapping windows; nothing is cut."""
        tokens = self._tokenizer.tokenize(texts)
        room = self._checkpoint.max_tokens - 2
        cut = windows(tokens.rows, room, overlap=room // 4)
        states = np.empty((len(tokens.ids), self._checkpoint.read_width), dtype=np.float32)
        for batch in token_budget_batches([w.end - w.start + 2 for w in cut], self._batch_tokens):
            self._run([cut[i] for i in batch], tokens.ids, states)
        return TokenStates(states, tokens.offsets, tokens.rows)

    def _run(self, batch: Sequence[Window], ids: Integers, states: Floats) -> None:
        padded, mask = self._pad(batch, ids)
        out = self._backbone(
            input_ids=padded.to(self._device), attention_mask=mask.to(self._device), output_hidden_states=True
        )
        read = torch.cat([out.hidden_states[layer] for layer in self._checkpoint.layers], dim=-1)
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
        return np.asarray(states @ self._projection.T, dtype=np.float32)
