"""The unpadded ModernBERT pass against a padded one and against the matrix ceiling of the same device, in one run.

Weights are random: speed does not depend on them. Real work is counted, that of the tokens and of the places that
attention sees; the padded pass does the same real work in longer time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from app.evaluation.benching.turns import medians
from model.encoder import Integers
from model.packed.attention import Bounds
from model.packed.network import Network, Placement, network_of
from model.packed.packing import Packed

SEED: Final = 31
TERA: Final = 1e12
PADDED_BATCH: Final = 16  # sequences, in the order given, padded to the longest of them
UNPADDED, PADDED, MATRIX = "unpadded", "padded SDPA", "matrix product"


@dataclass(frozen=True, slots=True)
class Trial:
    """What is measured. The default is ModernBERT-base over 131,072 tokens in sequences of 32 to 8,192.

    every: each n-th layer is global, the others see `local` / 2 to either side; matrix: side of the ceiling's product
    """

    layers: int = 22
    hidden: int = 768
    heads: int = 12
    inner: int = 1152
    local: int = 128
    every: int = 3
    shortest: int = 32
    longest: int = 8192
    tokens: int = 131_072
    words: int = 50_368
    matrix: int = 8192


def measure_packed(trial: Trial, where: Placement, repeats: int) -> dict[str, Any]:
    """Medians of the three, taken in turns; ratios of them, and the least cosine of unpadded to padded states."""
    lengths = mixed_lengths(trial)
    backbone, network = networks(trial, where)
    texts = [torch.randint(5, trial.words, (length,)) for length in lengths.tolist()]
    laid = _laid(texts, where)
    square = torch.randn(2, trial.matrix, trial.matrix, device=where.device, dtype=where.dtype)
    runs: dict[str, Callable[[], object]] = {
        MATRIX: lambda: square[0] @ square[1],
        UNPADDED: lambda: network(*laid),
        PADDED: lambda: _padded(backbone, texts, where),
    }
    with torch.inference_mode():
        taken = medians({name: _finished(run, where.device) for name, run in runs.items()}, repeats)
        cosine = _least_cosine(network(*laid), _padded(backbone, texts, where))
    ceiling = 2 * trial.matrix**3 / taken[MATRIX] * 1000 / TERA
    work = flops(trial, lengths)
    return {
        "sequences": len(lengths),
        "tokens": int(lengths.sum()),
        "longest": int(lengths.max()),
        "kernel": getattr(network.kernel, "__name__", "unknown"),
        "fused": where.fused,
        "ceiling_tflops": ceiling,
        "tflops": {name: work / taken[name] * 1000 / TERA for name in (UNPADDED, PADDED)},
        "share_of_ceiling": work / taken[UNPADDED] * 1000 / TERA / ceiling,
        "padded_takes_times": taken[PADDED] / taken[UNPADDED],
        "tokens_per_second": 1000 * int(lengths.sum()) / taken[UNPADDED],
        "least_cosine": cosine,
    }


def mixed_lengths(trial: Trial) -> Integers:
    """Lengths of equal chance in their logarithm, one of them the longest, `tokens` in all; always the same."""
    rng = np.random.default_rng(SEED)
    found, room = [trial.longest], trial.tokens - trial.longest
    while room > 0:
        length = int(np.exp(rng.uniform(np.log(trial.shortest), np.log(trial.longest + 1))))
        found.append(min(length, room))
        room -= found[-1]
    return np.asarray(rng.permutation(found), dtype=np.int64)


def flops(trial: Trial, lengths: Integers) -> float:
    """Multiplications and additions of the matrix products and of attention, over real tokens and seen places."""
    dense = trial.hidden * (4 * trial.hidden + 3 * trial.inner)  # Wqkv, Wo; Wi, Wo
    globals_ = len(range(0, trial.layers, trial.every))
    locals_ = trial.layers - globals_
    seen = globals_ * (lengths**2).sum() + locals_ * _band(lengths, trial.local // 2).sum()
    return float(2 * trial.layers * dense * lengths.sum() + 4 * trial.hidden * seen)


def _band(lengths: Integers, reach: int) -> Integers:
    """Pairs of places at most `reach` apart in a sequence of each length."""
    near = np.minimum(reach, lengths - 1)
    return np.asarray(lengths + near * (2 * lengths - near - 1), dtype=np.int64)


def networks(trial: Trial, where: Placement) -> tuple[nn.Module, Network]:
    """The same random weights as Hugging Face runs them and without padding."""
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(SEED)
    kinds = ["sliding_attention" if layer % trial.every else "full_attention" for layer in range(trial.layers)]
    config: Any = AutoConfig.for_model(
        "modernbert",
        vocab_size=trial.words,
        hidden_size=trial.hidden,
        intermediate_size=trial.inner,
        num_hidden_layers=trial.layers,
        num_attention_heads=trial.heads,
        local_attention=trial.local,
        layer_types=kinds,
        max_position_embeddings=trial.longest,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )
    made = AutoModel.from_config(config, attn_implementation="sdpa")  # type: ignore[no-untyped-call]
    backbone: nn.Module = made.eval()
    network = network_of(config.to_dict(), backbone.state_dict(), (-1,), where)
    return backbone.to(where.device, where.dtype), network


def _laid(texts: Sequence[Tensor], where: Placement) -> tuple[Tensor, Tensor, Bounds]:
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    positions = np.concatenate([np.arange(len(text)) for text in texts])
    packed = Packed(torch.cat(list(texts)).numpy(), positions, starts, max(map(len, texts)))
    ids, places = (torch.from_numpy(values).to(where.device) for values in (packed.ids, packed.positions))
    return ids, places, Bounds.of(packed, where.device)


def _padded(backbone: nn.Module, texts: Sequence[Tensor], where: Placement) -> Tensor:
    """States of the real tokens, laid end to end."""
    found = []
    for start in range(0, len(texts), PADDED_BATCH):
        batch = list(texts[start : start + PADDED_BATCH])
        ids = nn.utils.rnn.pad_sequence(batch, batch_first=True).to(where.device)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(text) for text in batch], batch_first=True).to(where.device)
        found.append(backbone(input_ids=ids, attention_mask=mask).last_hidden_state[mask.bool()])
    return torch.cat(found)


def _least_cosine(one: Tensor, other: Tensor) -> float:
    return float(nn.functional.cosine_similarity(one.float(), other.float()).min())


def _finished(run: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """The call, until the device has done it."""

    def call() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return call
