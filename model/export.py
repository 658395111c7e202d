"""A trained network to a checkpoint folder that serves (ONNX, torch), trains on, and opens in sentence-transformers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import save_file
from transformers import AutoConfig

from model import bert_graph, modernbert_graph
from model.checkpoint import write_manifest
from model.nested import PREFIXES, WIDTH
from model.shapes import BertShape, ModernBertShape
from model.training.network import NestedEncoder


def export(network: NestedEncoder, source: Path, target: Path, card: dict[str, Any]) -> str:
    """Write the checkpoint folder `target`; tokenizer and config come from `source`. Returns the version.

    card: name, max_tokens, encoding_unit, special_tokens {first, last}, training (free form).
    """
    target.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.from_pretrained(source)
    config.architectures = None
    config.dtype = "float16"
    config.output_hidden_states = True  # sentence-transformers hands them on only when the config says so
    config.save_pretrained(target)
    _save_weights(network, target)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, target / name)
    _write_modules(target, network, int(card["max_tokens"]))
    full = {**card, "layers": list(network.layers), "hidden_size": config.hidden_size, "prefixes": list(PREFIXES)}
    _write_json(target / "cascade.json", full)
    graph = build_graph(config, target / "model.safetensors", network.layers)
    if graph is not None:
        onnx.save_model(graph, target / "encoder.onnx")
    return write_manifest(target)


def build_graph(config: Any, weights: Path, layers: Sequence[int]) -> onnx.ModelProto | None:
    """The encoder's hand-made graph; None for an architecture or a setting that has none: torch serves those."""
    numbers = config.to_dict()
    try:
        if config.model_type == "bert":
            return bert_graph.build_graph(BertShape.of(numbers), weights, layers)
        if config.model_type == "modernbert":
            return modernbert_graph.build_graph(ModernBertShape.of(numbers), weights, layers)
    except ValueError:  # after hours of training a checkpoint without a graph is better than none
        return None
    return None


def _save_weights(network: NestedEncoder, target: Path) -> None:
    state = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in network.backbone.state_dict().items()
        if tensor.is_floating_point()
    }
    save_file(state, target / "model.safetensors", metadata={"format": "pt"})
    (target / "2_Dense").mkdir(exist_ok=True)
    weight = network.projection.weight.detach().to(torch.float16).contiguous()
    save_file({"linear.weight": weight}, target / "2_Dense" / "model.safetensors")


def _write_modules(target: Path, network: NestedEncoder, max_tokens: int) -> None:
    read = network.projection.weight.shape[1]
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Layers", "type": "model.sentence_pooling.LayerPooling"},
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.base.modules.dense.Dense"},
        {
            "idx": 3,
            "name": "3",
            "path": "3_Normalize",
            "type": "sentence_transformers.base.modules.normalize.Normalize",
        },
    ]
    (target / "1_Layers").mkdir(exist_ok=True)
    (target / "3_Normalize").mkdir(exist_ok=True)
    _write_json(target / "modules.json", modules)
    _write_json(target / "sentence_bert_config.json", {"max_seq_length": max_tokens})
    _write_json(target / "1_Layers" / "config.json", {"layers": list(network.layers), "width": read})
    dense = {
        "in_features": read,
        "out_features": WIDTH,
        "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    _write_json(target / "2_Dense" / "config.json", dense)
    _write_json(target / "3_Normalize" / "config.json", {})


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")
