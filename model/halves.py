"""Half floats made wide by integer operations, which run on many numbers at once.

numpy converts float16 number by number where it was built for any x86-64; rescoring spends more time there than in its
products. The exponent of a half float counts from 15, that of a float from 127: the bits in the float's place stand
for the number times 2^-112 (IEEE 754, binary16 and binary32), subnormal ones too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.nested import Floats

_SHIFT = 13  # fraction bits of a float beyond those of a half float
_KEPT = np.int32(-0x70000001)  # all but the three exponent bits that the sign was copied to
_SCALE = np.float32(2.0**112)


def widen(halves: npt.NDArray[np.float16], out: Floats) -> None:
    """Write finite half floats to `out`, of the same shape and contiguous, exactly. Infinity and NaN are not known."""
    bits = out.view(np.int32)
    np.copyto(bits, halves.view(np.int16))  # the sign fills the upper half
    np.left_shift(bits, _SHIFT, out=bits)
    np.bitwise_and(bits, _KEPT, out=bits)
    np.multiply(out, _SCALE, out=out)
