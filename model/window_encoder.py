"""The default backends over BERT checkpoints: ONNX Runtime over windows of equal length, in float32 or int8.

Needs numpy, tokenizers, safetensors and onnxruntime only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import onnxruntime as ort
from safetensors.numpy import load_file

from model.checkpoint import Checkpoint
from model.cpu import cores
from model.encoder import Integers, ModelInfo, TokenStates
from model.nested import Floats
from model.shapes import BertShape
from model.tokenization import TextTokenizer, Window, windows
from model.window_graph import WORDS, Model, build

_SEED, _WINDOWS = 0, (64, 10)  # random tokens that show which dimensions are large
BATCH_TOKENS = 512  # of one run: its activations stay in the cache of a core


class WindowEncoder:
    """Encodes windows of equal length together, so that nothing is padded, on `threads` threads with a run each.

    The states of a text are the same bits whatever shares the call. threads: 0 = all cores.
    """

    def __init__(
        self, checkpoint: Checkpoint, *, int8: bool, threads: int = 0, batch_tokens: int = BATCH_TOKENS
    ) -> None:
        """Raises ValueError for a checkpoint that `reads` refuses."""
        self._checkpoint = checkpoint
        self._name = "onnx-int8" if int8 else "onnx"
        self._tokenizer = TextTokenizer(checkpoint.tokenizer_path, first=checkpoint.first, last=checkpoint.last)
        self._projection = checkpoint.projection()
        self._batch_tokens = batch_tokens
        model = _model(checkpoint, int8=int8)
        self._words = model.outside.get(WORDS)  # the session reads the array itself, for as long as it lives
        self._session = _session(model)
        self._threads = threads or cores()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="encode")

    @property
    def info(self) -> ModelInfo:
        """What this encoder is."""
        return self._checkpoint.info(self._name)

    def encode(self, texts: Sequence[str]) -> TokenStates:
        """States of the texts' tokens, in order. Long texts go through overlapping windows; nothing is cut."""
        tokens = self._tokenizer.tokenize(texts)
        room = self._checkpoint.max_tokens - 2
        states = np.empty((len(tokens.ids), self._checkpoint.read_width), dtype=np.float32)
        batches = equal_batches(windows(tokens.rows, room, overlap=room // 4), self._batch_tokens)
        run = partial(self._run, ids=tokens.ids, states=states)
        if self._threads == 1 or len(batches) == 1:
            for batch in batches:
                run(batch)
        else:
            for _ in self._pool.map(run, batches):  # raises what a run raised
                pass
        return TokenStates(states, tokens.offsets, tokens.rows)

    def _run(self, batch: Sequence[Window], ids: Integers, states: Floats) -> None:
        """Encode windows of one length and write the rows of `states` that they keep."""
        starts, length = np.array([window.start for window in batch]), batch[0].end - batch[0].start
        rows = starts[:, None] + np.arange(length)  # (N, L - 2)
        framed = np.full((len(batch), length + 2), self._tokenizer.last, dtype=np.int64)
        framed[:, 0] = self._tokenizer.first
        framed[:, 1:-1] = ids[rows]
        out = self._session.run(["states"], {"ids": framed})[0].reshape(*rows.shape, -1)
        bounds = np.array([(window.keep_start, window.keep_end) for window in batch])
        kept = (rows >= bounds[:, :1]) & (rows < bounds[:, 1:])
        if kept.all():
            states[rows] = out
        else:
            states[rows[kept]] = out[kept]

    def project(self, states: Floats) -> Floats:
        """(N, R) -> (N, 768), not normalised."""
        return np.asarray(states @ self._projection.T, dtype=np.float32)


def equal_batches(cut: Sequence[Window], budget: int) -> list[list[Window]]:
    """Windows of one length each, at most `budget` tokens with their two special ones (at least one window), the
    most tokens first: so that threads which take one after the other end together."""
    by_length: Mapping[int, list[Window]] = defaultdict(list)
    for window in cut:
        by_length[window.end - window.start].append(window)
    batches = []
    for length, alike in by_length.items():
        most = max(1, budget // (length + 2))
        batches += [alike[start : start + most] for start in range(0, len(alike), most)]
    return sorted(batches, key=lambda batch: len(batch) * (batch[0].end - batch[0].start + 2), reverse=True)


def reads(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint can be opened here: a plain BERT with exact GELU."""
    try:
        BertShape.of(_config(checkpoint))
    except ValueError:
        return False
    return True


def _config(checkpoint: Checkpoint) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((checkpoint.path / "config.json").read_text())
    return config


def _model(checkpoint: Checkpoint, *, int8: bool) -> Model:
    """The graph of a checkpoint; of its weights only those in the graph are left when it returns."""
    shape, weights = BertShape.of(_config(checkpoint)), load_file(checkpoint.path / "model.safetensors")
    return build(shape, weights, checkpoint.layers, _ranges(shape, weights, checkpoint) if int8 else None)


def _ranges(shape: BertShape, weights: Mapping[str, Any], checkpoint: Checkpoint) -> dict[str, Floats]:
    """Largest magnitudes by dimension of what int8 layers will read, over windows of random tokens, in float32.

    Which dimensions are large is the network's habit, not the text's: on clauses of notes, random tokens give vectors
    as near to float32 as the clauses themselves do (docs/decisions/0030). So no text has to be kept with a model.
    Vocabularies begin with what is frequent, and so do the windows: some frequent tokens have dimensions of their own.
    """
    name = "embeddings.word_embeddings.weight"
    ids = np.exp(np.random.default_rng(_SEED).uniform(0, np.log(len(weights[name])), _WINDOWS)).astype(np.int64)
    ids[:, 0], ids[:, -1] = checkpoint.first, checkpoint.last
    read = {**weights, name: weights[name][ids.ravel()]}  # a session of its own would hold the table twice
    model = build(shape, read, checkpoint.layers, observing=True)
    session = _session(model, once=True)  # reads the arrays of `model`
    places = [output.name for output in session.get_outputs()][1:]
    found = session.run(places, {"ids": np.arange(ids.size).reshape(ids.shape)})
    return dict(zip(places, found, strict=True))


def _session(model: Model, *, once: bool = False) -> Any:
    """One thread a run: several runs go on at a time, and none waits for the threads of another.

    The table of words has to outlive the session, which reads it where it is; other weights are laid out anew for their
    products, which copies them. once: it will run once, so that nothing is, and all of model.outside has to outlive it
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena keeps the largest batch's memory for good
    # A bias fused into GELU takes longer than the two apart, and a fused sum and normalisation ten times as long.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # Left to itself it quantises a second time behind every reshaping of what is quantised.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    if once:
        options.add_session_config_entry("session.disable_prepacking", "1")
    values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in model.outside.items()}  # no copies yet
    options.add_external_initializers(list(values), list(values.values()))
    for name in values if once else values.keys() & {WORDS}:
        options.add_initializer(name, values[name])
    return ort.InferenceSession(model.content, options, providers=["CPUExecutionProvider"])
