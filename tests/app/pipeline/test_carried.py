"""A calibration without the features that do not carry over answers as if they held one value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.pipeline.calibration import ATTENTION, SHIPPED, Calibration, load
from app.pipeline.carried import HELD, HELD_TOO, NEUTRAL, carried_over, fitting
from app.pipeline.features import FEATURES
from model.last_stage import Curve, LastStage, Linear


@pytest.fixture(scope="module", params=["general", "codiesp"])
def shipped(request: pytest.FixtureRequest) -> Calibration:
    return load(SHIPPED / f"{request.param}.calibration.json.gz")


@pytest.fixture(scope="module")
def rows() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.random.default_rng(1).uniform(-1, 8, size=(200, len(FEATURES))).astype(np.float32)


def held(
    rows: np.ndarray[tuple[int, int], np.dtype[np.float32]], values: dict[str, float]
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    other = rows.copy()
    for name, value in values.items():
        other[:, FEATURES.index(name)] = value
    return other


@pytest.mark.parametrize("code_set", ["icd-9-cm", "icd-10-pcs"])
def test_held_features_decide_nothing(
    shipped: Calibration, rows: np.ndarray[tuple[int, int], np.dtype[np.float32]], code_set: str
) -> None:
    values = dict(HELD) | dict(HELD_TOO.get(code_set, {}))
    values |= {"prior": shipped.prior.get("", 0.0), "frequency": shipped.frequency.get("", 0.0)}
    values |= {ATTENTION: shipped.learned.get(NEUTRAL, 0.0)}
    carried = carried_over(shipped, code_set)
    np.testing.assert_allclose(carried.logits(rows), shipped.logits(held(rows, values)), atol=1e-9)
    assert not np.allclose(carried.logits(rows), shipped.logits(rows))


def test_no_code_has_a_prior_of_its_own(shipped: Calibration) -> None:
    carried = carried_over(shipped, "icd-9-cm")
    priors = carried.priors(["I10", "401.9"])
    assert not priors.prior.any() and not priors.frequency.any()
    assert carried.search_weight == 0
    assert carried.label == f"{shipped.name} {shipped.version} carried over"


def test_linear_stages_are_held_as_well(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    count = len(FEATURES)
    score = Linear(np.full(count, 0.5), np.full(count, 2.0), np.linspace(-1, 1, count), 0.25)
    curve = Curve(np.array([-9.0, 9.0]), np.array([0.0, 1.0]))
    stage = LastStage(score, curve, np.linspace(0, 1, count))
    shipped = load(SHIPPED / "general.calibration.json.gz")
    learned = {NEUTRAL: -3.0}
    linear = replace(shipped, features=FEATURES, last_stage=stage, prior={}, frequency={}, learned=learned)
    absent = {"prior": 0.0, "frequency": 0.0, "attention": -3.0}
    expected = linear.logits(held(rows, {**HELD, **HELD_TOO["icd-10-pcs"], **absent}))
    np.testing.assert_allclose(carried_over(linear, "icd-10-pcs").logits(rows), expected, atol=1e-9)


def test_a_set_with_a_calibration_of_its_own_uses_it_as_it_is() -> None:
    general = load(SHIPPED / "general.calibration.json.gz")
    own = replace(general, learned={"code_set": "icd-10-pcs"})
    assert fitting({"general": general}, "icd-10-cm")["general"] is general
    assert fitting({"mine": own}, "icd-10-pcs")["mine"] is own
    assert fitting({"general": general}, "icd-9-cm")["general"].version.endswith("carried over")
