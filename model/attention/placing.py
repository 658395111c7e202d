"""Puts a label attention where the encoder keeps its token states. torch is imported only where the encoder has it."""

from __future__ import annotations

from model.attention.label_attention import LabelAttention


def placed(attention: LabelAttention, encoder: object) -> LabelAttention:
    """On the encoder's device if it names one, else as it is."""
    device = getattr(encoder, "device", None)
    if device is None:
        return attention
    from model.attention.device_attention import DeviceAttention

    return DeviceAttention(attention.weights, device)
