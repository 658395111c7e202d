"""Builds the tiny checkpoint. Needs torch and transformers (extra [dev])."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

from model.export import export
from model.training.network import NestedEncoder

WORDS = (
    "pain in chest of the left right leg fracture femur acute chronic diabetes type 2 with foot ulcer cough fever "
    "heart failure and or no history pneumonia kidney disease stage hypertension asthma ##s ##ed ##ing"
)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def write_tokenizer(folder: Path) -> None:
    letters = [chr(c) for c in range(97, 123)]
    vocabulary = [
        *SPECIAL,
        *dict.fromkeys([*WORDS.split(), *letters, *(f"##{x}" for x in letters), *"0123456789,.;:-()"]),
    ]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    from tokenizers.processors import TemplateProcessing

    fast.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast.save_pretrained(folder)


def tiny_network(seed: int = 0) -> NestedEncoder:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=128,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return NestedEncoder(BertModel(config, add_pooling_layer=False), (2, -1)).eval()


def write_tiny_source(folder: Path, network: NestedEncoder) -> None:
    """What training starts from: a plain Hugging Face folder."""
    folder.mkdir(parents=True, exist_ok=True)
    network.backbone.save_pretrained(folder)  # type: ignore[operator]
    write_tokenizer(folder)


def write_tiny_checkpoint(folder: Path, seed: int = 0) -> str:
    network = tiny_network(seed)
    source = folder.with_name(folder.name + "-source")
    write_tiny_source(source, network)
    card = {
        "name": "tiny",
        "max_tokens": 32,
        "encoding_unit": "clause",
        "special_tokens": {"first": 2, "last": 3},
        "training": {},
    }
    return export(network, source, folder, card)


def write_tiny_modernbert(folder: Path, width: int) -> None:
    """A random ModernBERT with two layers and a context of 96 tokens."""
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=128,
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=96,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    )
    ModernBertModel(config).save_pretrained(folder)
    write_tokenizer(folder)
