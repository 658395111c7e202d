"""The unpadded passes against Hugging Face's padded ones, and their parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from model.packed import attention, pointwise
from model.packed.attention import Bounds, by_length, kernel_for, varlen
from model.packed.network import Placement, network_of
from model.packed.packing import Packed
from tests.model.packed.networks import bert, modernbert, padded_states, sequences

CPU = Placement(torch.device("cpu"), torch.float32, fused=False)
LENGTHS = (5, 33, 1, 12, 5, 40)
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def laid(texts: Sequence[Tensor]) -> Packed:
    starts = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    positions = np.concatenate([np.arange(len(text)) for text in texts])
    return Packed(torch.cat(list(texts)).numpy(), positions, starts, max(map(len, texts)))


@torch.inference_mode()
def packed_states(backbone: nn.Module, texts: Sequence[Tensor], read: Sequence[int], where: Placement) -> list[Tensor]:
    network = network_of(backbone.config.to_dict(), backbone.state_dict(), read, where)  # type: ignore[union-attr, operator]
    packed = laid(texts)
    ids, positions = (torch.from_numpy(values).to(where.device) for values in (packed.ids, packed.positions))
    states = network(ids, positions, Bounds.of(packed, where.device))
    assert states.shape == (len(packed), network.width)
    return list(torch.split(states.float().cpu(), [len(text) for text in texts]))


@pytest.mark.parametrize("read", [(2, -1), (-1,), (0, 1), (1,)], ids=str)
@pytest.mark.parametrize("make", [bert, modernbert])
def test_states_equal_the_padded_pass(make: Callable[[], nn.Module], read: Sequence[int]) -> None:
    backbone, texts = make(), sequences(LENGTHS)
    for ours, theirs in zip(
        packed_states(backbone, texts, read, CPU), padded_states(backbone, texts, read), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("make", [bert, modernbert])
def test_a_sequence_does_not_see_its_neighbours(make: Callable[[], nn.Module]) -> None:
    backbone, texts = make(), sequences(LENGTHS)
    together = packed_states(backbone, texts, (-1,), CPU)
    for place in (0, 1, 2):
        alone = packed_states(backbone, [texts[place]], (-1,), CPU)[0]
        torch.testing.assert_close(together[place], alone, atol=1e-4, rtol=1e-4)


def test_local_layers_see_no_further_than_they_should() -> None:
    """One local layer of 4 to each side: another token changes states up to 4 away, and none beyond."""
    backbone = modernbert()
    config = backbone.config.to_dict() | {"layer_types": ["sliding_attention"] * 4}  # type: ignore[union-attr, operator]
    [text] = sequences([30])
    other = text.clone()
    other[20] = 1 if text[20] != 1 else 2
    network = network_of(config, backbone.state_dict(), (1,), CPU)
    found = []
    for ids in (text, other):
        packed = laid([ids])
        with torch.inference_mode():
            found.append(network(ids, torch.arange(30), Bounds.of(packed, CPU.device)))
    moved = (found[0] - found[1]).abs().amax(1) > 0
    assert moved.nonzero().ravel().tolist() == list(range(16, 25))


@pytest.mark.parametrize("reach", [None, 0, 3, 100])
def test_equal_lengths_share_a_call_and_nothing_is_padded(reach: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = (4, 7, 0, 4, 1, 7)
    query, key, value = torch.randn(3, sum(lengths), 2, 8, generator=torch.Generator().manual_seed(0))
    bounds = Bounds(torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32), lengths, 7)
    expected, start = [], 0
    for length in lengths:
        part = slice(start, start + length)
        scores = torch.einsum("qhd,khd->hqk", query[part], key[part]) / 8**0.5
        apart = (torch.arange(length)[:, None] - torch.arange(length)).abs()
        scores = scores.masked_fill(apart > (length if reach is None else reach), -torch.inf)
        expected.append(torch.einsum("hqk,khd->qhd", scores.softmax(-1), value[part]))
        start += length
    shapes = []

    def counted(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None) -> Tensor:
        shapes.append(tuple(query.shape))
        return scaled_dot_product_attention(query, key, value, attn_mask=attn_mask)

    monkeypatch.setattr(attention, "scaled_dot_product_attention", counted)
    torch.testing.assert_close(by_length(query, key, value, bounds, reach), torch.cat(expected))
    assert shapes == [(1, 2, 1, 8), (2, 2, 4, 8), (2, 2, 7, 8)]


def test_the_varlen_kernel_is_asked_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its arguments, bound to its own signature; what it computes is tested on a GPU."""
    module = pytest.importorskip("torch.nn.attention.varlen")
    signature, asked = inspect.signature(module.varlen_attn), []

    def bound(*args: object, **named: object) -> Tensor:
        given = signature.bind(*args, **named).arguments
        asked.append({name: given.get(name) for name in ("max_q", "max_k", "window_size", "num_splits")})
        assert given["cu_seq_q"] is given["cu_seq_k"] is bounds.starts
        return torch.zeros(5, 2, 8)

    monkeypatch.setattr(module, "varlen_attn", bound)
    bounds = Bounds(torch.tensor([0, 3, 5], dtype=torch.int32), (3, 2), 3)
    parts = torch.zeros(5, 2, 8)
    varlen(parts, parts, parts, bounds, None)
    monkeypatch.setattr("torch.nn.attention.current_flash_attention_impl", lambda: "FA3")
    varlen(parts, parts, parts, bounds, 4)
    assert asked[0] == {"max_q": 3, "max_k": 3, "window_size": (-1, -1), "num_splits": None}
    assert asked[1] == {"max_q": 3, "max_k": 3, "window_size": (4, 4), "num_splits": 1}


def test_kernels_are_chosen_by_device_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, cpu = torch.device("cuda", 0), torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert kernel_for(cpu, torch.bfloat16, 64) is by_length
    assert kernel_for(cuda, torch.float32, 64) is by_length
    assert kernel_for(cuda, torch.bfloat16, 12) is by_length
    assert kernel_for(cuda, torch.bfloat16, 64) is varlen
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert kernel_for(cuda, torch.float16, 64) is by_length
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(attention, "_has_varlen", lambda: False)
    assert kernel_for(cuda, torch.bfloat16, 64) is by_length


def test_a_gpu_that_has_no_bfloat16_kernels_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr("model.packed.network.can_compile", lambda: True)
    found = []
    for capability in ((7, 5), (9, 0)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, capability=capability: capability)
        found.append(Placement.best())
    assert [(one.dtype, one.fused) for one in found] == [(torch.float32, False), (torch.bfloat16, True)]


def test_pointwise_parts_are_one_graph_each() -> None:
    """torch.compile takes each as a whole; the traced graph computes the same."""
    x, y = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
    weight, pairs, angles = torch.rand(16), torch.randn(6, 3, 2, 8), torch.randn(6, 8)
    calls: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (pointwise.add_norm, (x, y, weight, None, 1e-5)),
        (pointwise.add_norm, (x, y, weight, weight, 1e-5)),
        (pointwise.rotate, (pairs, angles.cos(), angles.sin())),
        (pointwise.gate, (x,)),
        (pointwise.activate, (x,)),
    ]
    for function, arguments in calls:
        traced = torch.compile(function, backend="eager", fullgraph=True)
        torch.testing.assert_close(traced(*arguments), function(*arguments))


def test_slim_images_run_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not pointwise.can_compile()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert pointwise.can_compile()
    monkeypatch.setattr(torch, "compile", lambda function: f"compiled {function.__name__}")
    assert pointwise.pointwise(compiled=False).gate is pointwise.gate
    assert str(pointwise.pointwise(compiled=True).gate) == "compiled gate"


@gpu
@pytest.mark.parametrize("reach", [None, 3, 64])
def test_varlen_equals_the_grouped_calls(reach: int | None) -> None:
    lengths = (4, 700, 0, 4, 1, 7)
    query, key, value = torch.randn(3, sum(lengths), 4, 64, device="cuda", dtype=torch.bfloat16)
    starts = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32, device="cuda")
    bounds = Bounds(starts, lengths, 700)
    one, other = (kernel(query, key, value, bounds, reach).float() for kernel in (varlen, by_length))
    torch.testing.assert_close(one, other, atol=2e-2, rtol=2e-2)


@gpu
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler's own imports
@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("make", [bert, modernbert])
def test_bfloat16_on_the_gpu_is_near_float32_on_the_cpu(make: Callable[[], nn.Module], fused: bool) -> None:
    backbone, texts = make(), sequences(LENGTHS)
    with torch.no_grad():  # as trained weights are: sharpened ones multiply every rounding
        for parameter in backbone.parameters():
            parameter.div_(4 if parameter.dim() > 1 else 1)
    best = Placement.best()
    where = Placement(best.device, best.dtype, fused=fused and best.fused)
    for ours, theirs in zip(
        packed_states(backbone, texts, (-1,), where), padded_states(backbone, texts, (-1,)), strict=True
    ):
        assert nn.functional.cosine_similarity(ours, theirs).min() >= 0.999
