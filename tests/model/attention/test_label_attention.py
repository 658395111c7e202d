from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from model.attention.config import ATTENTIONS, AttentionConfig
from model.attention.label_attention import LabelAttention
from model.errors import CheckpointError
from model.nested import prefix
from tests.model.attention.weights import CODES, SMALL, random_note, random_weights

NAMED = ["B02", "A01", "never seen", "C03"]


def slow_logit(attention: LabelAttention, tokens: np.ndarray, ids: np.ndarray, label: np.ndarray, code: str) -> float:
    """The equations of the module's docstring for one label, token by token, in double precision."""
    weights = attention._weights
    t = {name: tensor.astype(np.float64) for name, tensor in weights.tensors.items()}
    temperature, static, gain, offset = t["scales"]
    e = prefix(label[None], SMALL.width)[0].astype(np.float64)
    heard = prefix(tokens, SMALL.width).astype(np.float64)
    place = weights.codes.ids([code])[0]
    counted = {}
    if place >= 0:
        row = slice(weights.static.rows[place], weights.static.rows[place + 1])
        counted = dict(zip(weights.static.words[row].tolist(), weights.static.values[row].tolist(), strict=True))
    scores: dict[str, list[float]] = {name: [] for name in ATTENTIONS}
    values = []
    for h, word in zip(heard, ids.tolist(), strict=True):
        query = e + e @ t["query.down"] @ t["query.up"]
        scores["learned"].append(math.exp(temperature) * float(query @ h))
        scores["static"].append(math.exp(static) * counted[word] if word in counted else -math.inf)
        c, z = e @ t["ranker.code"], h @ t["ranker.token"]
        both = np.concatenate([c, z]) @ np.concatenate([t["ranker.hidden_code"], t["ranker.hidden_token"]])
        hidden = np.maximum(both + t["ranker.hidden_bias"], 0)
        scores["differentiable"].append(float(c @ z + hidden @ t["ranker.out"]))
        values.append(math.exp(gain) * float((t["boost"] * e) @ (h + h @ t["value.down"] @ t["value.up"])))
    found, share = 0.0, 0.0
    for i, name in enumerate(ATTENTIONS):
        finite = [at for at, s in enumerate(scores[name]) if s > -math.inf]
        k = weights.config.k(name) or len(finite)
        chosen = sorted(finite, key=lambda at: (-scores[name][at], at))[:k]
        if name in weights.config.attentions and chosen:
            top = max(scores[name][at] for at in chosen)
            exps = {at: math.exp(scores[name][at] - top) for at in chosen}
            mean = sum(weight * values[at] for at, weight in exps.items()) / sum(exps.values())
            found += math.exp(t["mix"][i]) * mean
            share += math.exp(t["mix"][i])
    bias = t["bias"][place] if place >= 0 else 0.0
    return float(found / share if share else 0.0) + float(offset) + float(bias)


@pytest.mark.parametrize("attentions", [ATTENTIONS, ("learned",), ("static",), ("static", "differentiable")])
def test_logits_are_those_of_the_equations(attentions: tuple[str, ...]) -> None:
    attention = LabelAttention(random_weights(replace(SMALL, attentions=attentions)))
    tokens, ids, labels = random_note(20, len(NAMED), seed=1)
    found = attention.logits(tokens, ids, labels, NAMED).logits
    slow = [slow_logit(attention, tokens, ids, label, code) for label, code in zip(labels, NAMED, strict=True)]
    np.testing.assert_allclose(found, slow, atol=1e-4, rtol=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 40), st.integers(0, 1000))
def test_the_logit_is_the_sum_of_its_contributions_and_constants(size: int, seed: int) -> None:
    tokens, ids, labels = random_note(size, len(NAMED), seed)
    found = LabelAttention(random_weights()).logits(tokens, ids, labels, NAMED)
    assert found.contributions.shape == (len(NAMED), size)
    np.testing.assert_array_equal(found.logits, found.contributions.sum(axis=1) + found.constants)


def test_only_tokens_that_are_attended_to_contribute() -> None:
    tokens, ids, labels = random_note(40, 2, seed=3)
    found = LabelAttention(random_weights()).logits(tokens, ids, labels, ["A01", "B02"])
    most = SMALL.learned_k + SMALL.static_k + SMALL.differentiable_k  # type: ignore[operator]
    assert (np.count_nonzero(found.contributions, axis=1) <= most).all()


def test_a_code_without_counts_has_neither_static_attention_nor_bias() -> None:
    weights = random_weights()
    tokens, ids, labels = random_note(20, 3, seed=4)
    unnamed = LabelAttention(weights).logits(tokens, ids, labels)
    strangers = LabelAttention(weights).logits(tokens, ids, labels, ["X", "Y", "Z"])
    without = replace(weights, config=replace(SMALL, attentions=("learned", "differentiable")))
    np.testing.assert_array_equal(unnamed.logits, strangers.logits)
    np.testing.assert_array_equal(unnamed.logits, LabelAttention(without).logits(tokens, ids, labels).logits)
    assert (unnamed.constants == weights.tensors["scales"][3]).all()


def test_without_tokens_only_the_constants_remain() -> None:
    tokens, ids, labels = random_note(0, 3, seed=5)
    found = LabelAttention(random_weights()).logits(tokens, ids, labels, CODES)
    np.testing.assert_array_equal(found.logits, found.constants)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 60), st.lists(st.integers(0, 60), max_size=5), st.integers(0, 1000), st.sampled_from([None, 4]))
def test_a_note_read_in_windows_gives_the_logits_of_the_whole(
    size: int, cuts: list[int], seed: int, learned_k: int | None
) -> None:
    weights = random_weights(replace(SMALL, learned_k=learned_k), seed)
    weights.tensors["scales"][:3] = 0.0  # the tolerance is absolute
    attention = LabelAttention(weights)
    tokens, ids, labels = random_note(size, len(NAMED), seed)
    reader = attention.reader(labels, NAMED)
    bounds = [0, *sorted(min(cut, size) for cut in cuts), size]
    for start, end in zip(bounds, bounds[1:], strict=False):
        reader.read(tokens[start:end], ids[start:end])
    whole = attention.logits(tokens, ids, labels, NAMED).logits
    np.testing.assert_allclose(reader.logits(), whole, atol=1e-6, rtol=1e-6)


def test_all_labels_in_blocks_give_the_same_logits() -> None:
    attention = LabelAttention(random_weights())
    tokens, ids, labels = random_note(25, 11, seed=6)
    codes = [*CODES, *(f"X{i}" for i in range(8))]
    whole = attention.logits(tokens, ids, labels, codes).logits
    np.testing.assert_allclose(attention.all_logits(tokens, ids, labels, codes, block=4), whole, rtol=1e-5)
    assert attention.all_logits(tokens, ids, labels[:0]).shape == (0,)


def test_the_file_gives_the_weights_back(tmp_path: Path) -> None:
    weights = random_weights()
    weights.save(tmp_path / "attention.safetensors")
    weights.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "attention.safetensors").read_bytes()
    opened = LabelAttention.open(tmp_path / "attention.safetensors")
    tokens, ids, labels = random_note(15, len(NAMED), seed=7)
    assert opened.config == SMALL
    assert opened.token_ids(["rash", "unheard of"]).tolist() == [4, -1]
    np.testing.assert_array_equal(
        opened.logits(tokens, ids, labels, NAMED).logits,
        LabelAttention(weights).logits(tokens, ids, labels, NAMED).logits,
    )


def test_files_that_are_no_label_attention_are_refused_by_name(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    random_weights().save(good)
    with pytest.raises(CheckpointError, match="bad.safetensors: missing"):
        LabelAttention.open(bad)
    bad.write_bytes(good.read_bytes()[:200])
    with pytest.raises(CheckpointError, match="bad.safetensors: no label attention"):
        LabelAttention.open(bad)
    tensors = load_file(good)
    for change in ({"boost": tensors["boost"][:3]}, {"static.words": tensors["static.words"] + 9}):
        save_file({**tensors, **change}, bad, metadata={"config": SMALL.to_json()})
        with pytest.raises(CheckpointError, match="boost|static.words"):
            LabelAttention.open(bad)
    save_file({name: tensor for name, tensor in tensors.items() if name != "mix"}, bad, {"config": SMALL.to_json()})
    with pytest.raises(CheckpointError, match="mix"):
        LabelAttention.open(bad)
    save_file(tensors, bad, metadata={"config": json.dumps({"format": 2})})
    with pytest.raises(CheckpointError, match="format 1"):
        LabelAttention.open(bad)


def test_lengths_that_differ_are_refused() -> None:
    attention = LabelAttention(random_weights())
    tokens, ids, labels = random_note(5, 3, seed=8)
    with pytest.raises(ValueError, match="4 token ids for 5 tokens"):
        attention.logits(tokens, ids[:4], labels)
    with pytest.raises(ValueError, match="1 codes named for 3 labels"):
        attention.logits(tokens, ids, labels, ["A01"])


def test_a_configuration_names_known_attentions_in_order() -> None:
    with pytest.raises(ValueError, match="in this order"):
        AttentionConfig(attentions=("static", "learned"))
    with pytest.raises(ValueError, match="static_k is 0"):
        AttentionConfig(static_k=0)
    with pytest.raises(ValueError, match="unknown field"):
        AttentionConfig.from_json(json.dumps({"format": 1, "depth": 3}))


def test_serving_imports_no_torch() -> None:
    code = "import sys, model.attention.label_attention; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
