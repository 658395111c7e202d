"""An encoder cut to a prefix gives the first dimensions of the same vectors."""

from __future__ import annotations

import numpy as np
import pytest

from model.encoder import embed
from model.nested import prefix
from model.prefix_encoder import PrefixEncoder, cut
from tests.index_builder.fakes import FakeEncoder

TEXTS = ["low back pain", "shingles"]


def test_vectors_are_the_prefixes_of_the_wrapped_encoder_s() -> None:
    encoder = FakeEncoder()
    np.testing.assert_allclose(embed(cut(encoder, 64), TEXTS), prefix(embed(encoder, TEXTS), 64), atol=1e-6)
    assert cut(encoder, 64).info == encoder.info


def test_the_full_width_needs_no_wrapping() -> None:
    encoder = FakeEncoder()
    assert cut(encoder, 768) is encoder


@pytest.mark.parametrize("dimensions", [0, 769])
def test_other_widths_are_refused(dimensions: int) -> None:
    with pytest.raises(ValueError, match="dimensions"):
        PrefixEncoder(FakeEncoder(), dimensions)
