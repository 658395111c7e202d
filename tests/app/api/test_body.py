from __future__ import annotations

import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.nesting import Shape, measure

Json = st.recursive(
    st.none() | st.integers() | st.text('ab"\\[]{},😀'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\[{,'), inner, max_size=3),
    max_leaves=20,
)


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@settings(max_examples=50, deadline=None)
@given(Json, st.booleans())
def test_depth_is_that_of_the_parsed_value(value: object, ascii_only: bool) -> None:
    assert measure(json.dumps(value, ensure_ascii=ascii_only).encode()).depth == depth(value)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_can_be_measured(body: bytes) -> None:
    assert measure(body).members <= body.count(b",")


def test_unclosed_strings_are_measured_in_linear_time() -> None:
    begin = time.perf_counter()
    assert measure(b'"' + b'\\"' * 200_000) == Shape(depth=0, members=0)
    assert time.perf_counter() - begin < 5  # quadratic time would take minutes
