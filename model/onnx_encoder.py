"""The default backend: ONNX Runtime over the checkpoint's own graph. Needs numpy, tokenizers and onnxruntime only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnxruntime as ort

from model.checkpoint import Checkpoint
from model.encoder import Integers, ModelInfo, TokenStates
from model.nested import Floats
from model.tokenization import TextTokenizer, Window, encode_windows

Provider = str | tuple[str, dict[str, str]]
CPU: Final = ("CPUExecutionProvider",)


class OnnxEncoder:
    """Encodes windows of similar length together, without padding outside attention.

    threads: intra-op threads of the session, 0 = all cores.
    batch_tokens: most tokens per run; larger runs gain nothing on a CPU and cost memory.
    providers: of ONNX Runtime, in the order of preference; model/onnx_cuda.py names another.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        threads: int = 0,
        batch_tokens: int = 2048,
        providers: Sequence[Provider] = CPU,
    ) -> None:
        self._checkpoint = checkpoint
        self._tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
        self._projection = checkpoint.projection()
        self._batch_tokens = batch_tokens
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = False  # an arena keeps the largest batch's memory for good
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning starves the other core
        self._session = ort.InferenceSession(str(checkpoint.graph_path), options, providers=list(providers))
        self._backend = "onnx" if providers == CPU else "onnx-cuda"

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        return self._checkpoint.info(self._backend)

    @property
    def provider(self) -> str:
        """The provider that ONNX Runtime opened; it falls back to a later one without an error."""
        return str(self._session.get_providers()[0])

    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts' tokens, in order. Long texts go through overlapping windows; nothing is cut."""
        return encode_windows(
            self._tokenizer,
            texts,
            self._run,
            max_tokens=self._checkpoint.max_tokens,
            width=self._checkpoint.read_width,
            budget=self._batch_tokens,
        )

    def _run(self, batch: Sequence[Window], ids: Integers, states: Floats) -> None:
        packed = pack(batch, ids, self._tokenizer.first, self._tokenizer.last)
        out = self._session.run(["states"], packed.feed())[0]
        for window, start in zip(batch, packed.starts.tolist(), strict=True):
            shift = start + 1 - window.start  # +1: the window's first special token
            states[window.keep_start : window.keep_end] = out[window.keep_start + shift : window.keep_end + shift]

    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, 768), not normalised."""
        return np.asarray(states @ self._projection.T, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Packed:
    """The inputs of one run, as model/onnx_graph.py names them, and where each window starts."""

    ids: Integers
    positions: Integers
    gather: Integers
    mask: Floats
    scatter: Integers
    starts: Integers

    def feed(self) -> dict[str, object]:
        """As the session wants them."""
        return {name: getattr(self, name) for name in ("ids", "positions", "gather", "mask", "scatter")}


def pack(batch: Sequence[Window], ids: Integers, first: int, last: int) -> Packed:
    """Lay windows end to end, each framed by its two special tokens, and say where attention finds them."""
    lengths = np.fromiter((w.end - w.start + 2 for w in batch), dtype=np.int64, count=len(batch))
    ends = np.cumsum(lengths)
    starts = ends - lengths
    flat = np.full(int(ends[-1]), last, dtype=np.int64)
    flat[starts] = first
    for window, start in zip(batch, starts.tolist(), strict=True):
        flat[start + 1 : start + 1 + window.end - window.start] = ids[window.start : window.end]
    positions = np.arange(len(flat)) - np.repeat(starts, lengths)
    places = np.arange(int(lengths.max()))
    inside = places[None, :] < lengths[:, None]  # (N, L)
    gather = np.where(inside, starts[:, None] + places[None, :], 0)
    mask = np.where(inside, 0.0, -1e9).astype(np.float32)
    return Packed(flat, positions, gather, mask, np.flatnonzero(inside.ravel()), starts)
