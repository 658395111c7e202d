"""The file of a label attention: one safetensors file, fp16, its configuration as JSON in the metadata.

D = width, R = map_rank, d = ranker_width, h = ranker_hidden, C codes seen in training, n words kept for all of them.

query.down (D, R), query.up (R, D)      the learned map of label vectors to queries, beside the identity
value.down (D, R), value.up (R, D)      the same for tokens to values
boost (D,)                              element-wise weights on the label vectors
ranker.code, ranker.token (D, d)        ranker.hidden_code, ranker.hidden_token (d, h), ranker.hidden_bias, .out (h,)
mix (3,), scales (4,)                   fp32: mixing logits; log temperature, log static scale, log gain, offset
static.rows (C + 1,), static.words (n,), static.values (n,)     mutual information, relative to each code's largest
bias (C,)                               label-specific bias, zero for codes seen seldom
codes, vocabulary                       UTF-8 bytes, one name a line
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from model.attention.config import AttentionConfig
from model.attention.vocabulary import Vocabulary
from model.encoder import Integers
from model.errors import CheckpointError
from model.nested import Floats

Arrays = Mapping[str, npt.NDArray[np.generic]]
_CONFIG = "config"
_EXACT = ("mix", "scales")  # a handful of numbers that everything is multiplied by: kept in fp32


@dataclass(frozen=True, slots=True)
class StaticTable:
    """Sparse scores of words for codes: those of code c are words[rows[c]:rows[c + 1]] with their values.

    rows (C + 1,) int64, words (n,) int64 ids, values (n,) float32
    """

    rows: Integers
    words: Integers
    values: Floats

    def scores(self, code: int, token_words: Integers, vocabulary: int) -> Floats:
        """(T,) the value of each token's word for a code; -inf for a word without one, or for code -1."""
        table = np.full(vocabulary + 1, -np.inf, dtype=np.float32)  # the last place answers for unknown words
        if code >= 0:
            kept = slice(int(self.rows[code]), int(self.rows[code + 1]))
            table[self.words[kept]] = self.values[kept]
        return table[token_words]


@dataclass(frozen=True, slots=True)
class AttentionWeights:
    """All tensors of a label attention, by the names of this module's docstring, in float32 and int64."""

    config: AttentionConfig
    tensors: dict[str, Floats]
    static: StaticTable
    codes: Vocabulary
    words: Vocabulary

    def save(self, path: Path) -> None:
        """Write the file. The same weights give the same bytes."""
        arrays: dict[str, npt.NDArray[np.generic]] = {
            name: np.ascontiguousarray(tensor, dtype=np.float32 if name in _EXACT else np.float16)
            for name, tensor in self.tensors.items()
        }
        arrays["static.rows"] = self.static.rows.astype(np.int32)
        arrays["static.words"] = self.static.words.astype(np.int32)
        arrays["static.values"] = self.static.values.astype(np.float16)
        arrays["codes"], arrays["vocabulary"] = _lines(self.codes.words), _lines(self.words.words)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, path, metadata={_CONFIG: self.config.to_json()})

    @classmethod
    def open(cls, path: Path) -> AttentionWeights:
        """Raises CheckpointError that names the file and what is wrong with it."""
        try:
            with safe_open(path, framework="numpy") as file:
                config = AttentionConfig.from_json((file.metadata() or {}).get(_CONFIG, "null"))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return _weights(config, arrays)
        except FileNotFoundError:
            raise CheckpointError(f"{path}: missing") from None
        except (SafetensorError, ValueError) as error:
            raise CheckpointError(f"{path}: no label attention ({error})") from None
        except KeyError as error:
            raise CheckpointError(f"{path}: the tensor {error} is missing") from None


def shapes(config: AttentionConfig, codes: int) -> dict[str, tuple[int, ...]]:
    """The shape of every float tensor but the static table."""
    width, rank, ranker, hidden = config.width, config.map_rank, config.ranker_width, config.ranker_hidden
    return {
        "query.down": (width, rank),
        "query.up": (rank, width),
        "value.down": (width, rank),
        "value.up": (rank, width),
        "boost": (width,),
        "ranker.code": (width, ranker),
        "ranker.token": (width, ranker),
        "ranker.hidden_code": (ranker, hidden),
        "ranker.hidden_token": (ranker, hidden),
        "ranker.hidden_bias": (hidden,),
        "ranker.out": (hidden,),
        "mix": (3,),
        "scales": (4,),
        "bias": (codes,),
    }


def _weights(config: AttentionConfig, arrays: Arrays) -> AttentionWeights:
    codes, words = Vocabulary(_names(arrays["codes"])), Vocabulary(_names(arrays["vocabulary"]))
    wanted = shapes(config, len(codes))
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} is {arrays[name].shape}, not {shape}")
    static = StaticTable(
        arrays["static.rows"].astype(np.int64),
        arrays["static.words"].astype(np.int64),
        arrays["static.values"].astype(np.float32),
    )
    _check(static, len(codes), len(words))
    return AttentionWeights(config, {name: arrays[name].astype(np.float32) for name in wanted}, static, codes, words)


def _check(static: StaticTable, codes: int, words: int) -> None:
    if len(static.rows) != codes + 1 or static.rows[0] != 0 or (np.diff(static.rows) < 0).any():
        raise ValueError("static.rows does not cut the codes")
    if len(static.words) != static.rows[-1] or len(static.values) != static.rows[-1]:
        raise ValueError("static.words and static.values do not fill static.rows")
    if len(static.words) and not 0 <= static.words.min() <= static.words.max() < words:
        raise ValueError("static.words names a word outside the vocabulary")


def _lines(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _names(array: npt.NDArray[np.generic]) -> list[str]:
    text = array.tobytes().decode()
    return text.split("\n") if text else []
