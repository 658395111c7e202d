"""Random encoders of both kinds as Hugging Face has them, and their padded forward passes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, ModernBertConfig, ModernBertModel

WORDS = 128


def bert() -> nn.Module:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    return _sharpened(BertModel(config, add_pooling_layer=False))


def modernbert() -> nn.Module:
    """Four layers, every third one global, local ones see 4 tokens to each side."""
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=WORDS,
        hidden_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=96,
        local_attention=8,
        max_position_embeddings=256,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )
    return _sharpened(ModernBertModel(config))


def _sharpened(backbone: nn.Module) -> nn.Module:
    """Weights large enough that attention is far from uniform."""
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    return backbone.eval()


def sequences(lengths: Sequence[int], seed: int = 0) -> list[Tensor]:
    """Random token ids, without the padding's."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(1, WORDS, (length,), generator=generator) for length in lengths]


@torch.inference_mode()
def padded_states(backbone: nn.Module, texts: Sequence[Tensor], read: Sequence[int]) -> list[Tensor]:
    """What Hugging Face computes for the texts side by side, padded to the longest: (length, R) each."""
    ids = nn.utils.rnn.pad_sequence(list(texts), batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(text) for text in texts], batch_first=True)
    hidden = backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    read_states = torch.cat([hidden[layer] for layer in read], dim=-1)
    return [row[: len(text)] for row, text in zip(read_states, texts, strict=True)]
