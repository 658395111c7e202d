"""Half floats made wide: as numpy makes them, every finite one."""

from __future__ import annotations

import numpy as np

from model.halves import widen


def test_every_finite_half_float_is_widened_exactly() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = every[np.isfinite(every)].reshape(-1, 64)
    wide = np.empty(halves.shape, dtype=np.float32)
    widen(halves, wide)
    np.testing.assert_array_equal(wide, halves.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(wide), np.signbit(halves))


def test_a_cut_of_wider_rows_is_widened() -> None:
    halves = np.random.default_rng(1).normal(size=(7, 12)).astype(np.float16)
    wide = np.empty((7, 5), dtype=np.float32)
    widen(halves[:, :5], wide)
    np.testing.assert_array_equal(wide, halves[:, :5].astype(np.float32))
