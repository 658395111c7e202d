"""The reliability curve against a slow reading of its bins."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics.calibration import (
    BINS,
    Binning,
    brier_score,
    expected_calibration_error,
    maximum_calibration_error,
    reliability,
)

Drawn = list[tuple[float, bool]]
pairs = st.lists(st.tuples(st.sampled_from([step / 30 for step in range(31)]), st.booleans()), min_size=1, max_size=40)


def as_arrays(drawn: Drawn) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    return np.array([value for value, _ in drawn]), np.array([hit for _, hit in drawn], dtype=np.bool_)


@given(pairs, st.integers(1, 20))
def test_equal_width_follows_its_definition(drawn: Drawn, bins: int) -> None:
    """ECE over (m - 1) / M < p <= m / M, 0 with the first bin."""
    error = 0.0
    for m in range(1, bins + 1):
        inside = [(p, hit) for p, hit in drawn if (m - 1) / bins < p <= m / bins or (m == 1 and p == 0)]
        if inside:
            confidence, accuracy = (float(np.mean([pair[place] for pair in inside])) for place in (0, 1))
            error += len(inside) / len(drawn) * abs(accuracy - confidence)
    assert expected_calibration_error(reliability(*as_arrays(drawn), bins)) == pytest.approx(error)


@given(pairs, st.integers(1, 20))
def test_equal_mass_has_equal_counts_up_to_ties(drawn: Drawn, bins: int) -> None:
    values, hits = as_arrays(drawn)
    curve = reliability(values, hits, bins, by="mass")
    assert len(curve) <= bins
    assert sum(one.count for one in curve) == len(drawn)
    most = math.ceil(len(drawn) / bins)
    for one in curve:
        tied = max(int((values == value).sum()) for value in values[(values >= one.lowest) & (values <= one.highest)])
        assert one.count < most + 2 * tied


def test_equal_mass_without_ties_divides_evenly() -> None:
    values = np.linspace(0, 1, 30)
    curve = reliability(values, values > 0.5, by="mass")
    assert [one.count for one in curve] == [2] * BINS


@given(pairs, st.sampled_from(["width", "mass"]), st.data())
def test_the_order_of_the_pairs_does_not_matter(drawn: Drawn, by: Binning, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(drawn))
    one, other = (reliability(*as_arrays(found), by=by) for found in (drawn, shuffled))
    assert [point.count for point in one] == [point.count for point in other]
    assert expected_calibration_error(one) == pytest.approx(expected_calibration_error(other))


@given(pairs, st.sampled_from(["width", "mass"]))
def test_the_points_rise_and_share_no_probability(drawn: Drawn, by: Binning) -> None:
    curve = reliability(*as_arrays(drawn), by=by)
    assert all(one.lowest <= one.confidence + 1e-12 and one.confidence <= one.highest + 1e-12 for one in curve)
    assert all(one.highest < other.lowest for one, other in zip(curve, curve[1:], strict=False))


def test_the_errors_by_hand() -> None:
    values, hits = np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, True, True, True])
    curve = reliability(values, hits, 2)
    assert [(one.count, one.accuracy) for one in curve] == [(2, 0.5), (2, 1.0)]
    assert expected_calibration_error(curve) == pytest.approx((0.4 + 0.1) / 2)
    assert maximum_calibration_error(curve) == pytest.approx(0.4)
    assert brier_score(values, hits) == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)


def test_nothing_measured_is_unknown() -> None:
    curve = reliability(np.zeros(0), np.zeros(0, dtype=np.bool_), by="mass")
    assert curve == reliability(np.zeros(0), np.zeros(0, dtype=np.bool_)) == []
    assert math.isnan(expected_calibration_error(curve))
    assert math.isnan(maximum_calibration_error(curve))
    assert math.isnan(brier_score(np.zeros(0), np.zeros(0, dtype=np.bool_)))


@pytest.mark.parametrize(
    ("values", "hits", "bins", "message"),
    [
        ([0.5], [True, False], 15, "must be one"),
        ([1.5], [True], 15, "within 0..1"),
        ([math.nan], [True], 15, "within 0..1"),
        ([0.5], [True], 0, "0 bins"),
    ],
)
def test_what_is_no_probability_is_refused(values: list[float], hits: list[bool], bins: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reliability(np.array(values), np.array(hits), bins)
