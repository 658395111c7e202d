"""The encoder against the same weights in other hands: sentence-transformers, and transformers as its manual shows;
and in the other precision.

What others need is imported here and nowhere else; what is not installed is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.evaluation.bench import prepare
from app.evaluation.benching.turns import medians
from app.evaluation.errors import EvaluationError
from app.pipeline.note import Note
from model.backends import open_encoder
from model.checkpoint import DEFAULT
from model.encoder import Encoder, embed
from model.errors import BackendError
from model.nested import Floats, normalise

OURS = "icd-cascade"
SENTENCE = "sentence-transformers"  # in the dtype of the file, float16 for the model that ships
SENTENCE_FULL = "sentence-transformers, float32"  # what it advises on a CPU
PLAIN = "transformers"
PRECISIONS = ("onnx", "onnx-int8")  # the one that is not measured as ours stands beside it
BATCH = 32  # what sentence-transformers takes by default
Vectors = Callable[[Sequence[str]], Floats]
Opener = Callable[[Path, int], Vectors]


def measure_encoders(
    encoder: Encoder, path: Path | None, notes: Sequence[Note], threads: int, repeats: int
) -> dict[str, Any]:
    """Real tokens per second of each, over the distinct clauses of the notes, with the same number of threads.

    encoder runs with `threads`; path is its checkpoint folder, None the one that ships. Tokens are those of the
    texts, without padding and special tokens, for all of them. Raises EvaluationError without a text.
    """
    texts, tokens = clauses(encoder, notes)
    openers: dict[str, Opener] = {
        f"{OURS}, {name}": partial(_ours, backend=name) for name in PRECISIONS if name != encoder.info.backend
    }
    openers |= {
        SENTENCE: _sentence_transformers,
        SENTENCE_FULL: partial(_sentence_transformers, dtype="float32"),
        PLAIN: _transformers,
    }
    others, skipped = opened(openers, path or DEFAULT, threads)
    runs: dict[str, Vectors] = {OURS: partial(embed, encoder)} | others
    taken = medians({name: partial(run, texts) for name, run in runs.items()}, repeats)
    ours = embed(encoder, texts)
    return {
        "texts": len(texts),
        "tokens": tokens,
        "threads": threads,
        "encoders": {
            name: {
                "tokens_per_second": 1000 * tokens / taken[name],
                "ours_is_times": taken[name] / taken[OURS],
                "least_cosine": least_cosine(ours, run(texts)),
            }
            for name, run in runs.items()
        },
        "skipped": skipped,
    }


def clauses(encoder: Encoder, notes: Sequence[Note]) -> tuple[list[str], int]:
    """The distinct texts that the pipeline encodes for these notes, and their tokens.

    Texts that do not fit one window are left out, since others would cut them short. Raises EvaluationError where
    nothing is left.
    """
    texts = list(dict.fromkeys(text for note in notes for text in prepare(encoder, note).texts))
    counts = encoder.encode(texts).counts().tolist() if texts else []
    fitting = [
        (text, count) for text, count in zip(texts, counts, strict=True) if 0 < count <= encoder.info.max_tokens - 2
    ]
    if not fitting:
        raise EvaluationError("there is no note with a word in it")
    return [text for text, _ in fitting], sum(count for _, count in fitting)


def opened(openers: dict[str, Opener], path: Path, threads: int) -> tuple[dict[str, Vectors], dict[str, str]]:
    """Those that can be opened, and why the others cannot."""
    found, skipped = {}, {}
    for name, opener in openers.items():
        try:
            found[name] = opener(path, threads)
        except ImportError as error:
            skipped[name] = f"{error.name or name} is not installed"
        except BackendError as error:
            skipped[name] = str(error)
        except (OSError, ValueError):
            skipped[name] = "it does not open this checkpoint"
    return found, skipped


def least_cosine(ours: Floats, theirs: Floats) -> float | None:
    """The least cosine of two (N, D) sets of unit vectors, row by row; None where they are not of one width."""
    return float((ours * theirs).sum(axis=1).min()) if ours.shape == theirs.shape else None


def _ours(path: Path, threads: int, backend: str) -> Vectors:
    return partial(embed, open_encoder(path, backend, threads=threads))


def _sentence_transformers(path: Path, threads: int, dtype: str = "auto") -> Vectors:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(
        str(path), device="cpu", local_files_only=True, trust_remote_code=True, model_kwargs={"dtype": dtype}
    )

    def run(texts: Sequence[str]) -> Floats:
        found = model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, normalize_embeddings=True)
        return np.asarray(found, dtype=np.float32)

    return run


def _transformers(path: Path, threads: int) -> Vectors:
    """Batches in the order of the texts, padded to the longest; the mean of the last states, which is narrower."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    model = AutoModel.from_pretrained(path, local_files_only=True, dtype=torch.float32).eval()

    def run(texts: Sequence[str]) -> Floats:
        found = []
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                batch = tokenizer(list(texts[start : start + BATCH]), padding=True, return_tensors="pt")
                states, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
                found.append(((states * mask).sum(1) / mask.sum(1)).numpy())
        return normalise(np.concatenate(found))

    return run
