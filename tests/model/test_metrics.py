"""The metrics against slow direct readings of their definitions, and against scikit-learn where it has them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import classification, evidence, ranking

LABELS = [f"L{place:02d}" for place in range(12)]
Notes = list[tuple[list[tuple[str, float]], set[str]]]

ranked = st.lists(st.sampled_from(LABELS), unique=True, max_size=8)
golds = st.sets(st.sampled_from(LABELS), max_size=5)


@st.composite
def coded_notes(draw: st.DrawFn) -> Notes:
    """Rankings with falling, often tied scores over a small label space, with their gold sets."""
    notes: Notes = []
    for _ in range(draw(st.integers(1, 6))):
        labels = draw(ranked)
        scores = sorted((draw(st.integers(1, 6)) / 4 for _ in labels), reverse=True)
        notes.append((list(zip(labels, scores, strict=True)), draw(golds)))
    return notes


def tabulated(notes: Notes) -> classification.Scored:
    rankings = [[label for label, _ in pairs] for pairs, _ in notes]
    scores = [[score for _, score in pairs] for pairs, _ in notes]
    return classification.tabulate(rankings, scores, [gold for _, gold in notes], set(LABELS))


def dense(notes: Notes) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Scores and gold as (N, L) matrices; what is not ranked scores -1, below everything."""
    scores = np.full((len(notes), len(LABELS)), -1.0)
    truth = np.zeros((len(notes), len(LABELS)), dtype=np.int64)
    for row, (pairs, gold) in enumerate(notes):
        for label, score in pairs:
            scores[row, LABELS.index(label)] = score
        truth[row, [LABELS.index(label) for label in gold]] = 1
    return scores, truth


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))


@given(ranked, golds.filter(bool), st.integers(1, 10))
def test_ranking_metrics_follow_their_definitions(found: list[str], gold: set[str], k: int) -> None:
    judged = ranking.judge([found], [gold])
    precisions = [len(gold & set(found[: r + 1])) / (r + 1) for r, label in enumerate(found) if label in gold]
    assert same(ranking.average_precisions(judged)[0], sum(precisions) / len(gold))
    assert same(ranking.precisions_at(judged, k)[0], len(gold & set(found[:k])) / k)
    assert same(ranking.recalls_at(judged, k)[0], len(gold & set(found[:k])) / len(gold))
    assert same(ranking.recalls(judged)[0], len(gold & set(found)) / len(gold))
    assert same(ranking.r_precisions(judged)[0], len(gold & set(found[: len(gold)])) / len(gold))


def test_average_precision_of_a_full_ranking_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    for _ in range(20):
        order = [LABELS[place] for place in generator.permutation(len(LABELS))]
        gold = set(generator.choice(LABELS, size=3, replace=False).tolist())
        expected = metrics.average_precision_score([label in gold for label in order], -np.arange(len(order)))
        assert same(ranking.average_precisions(ranking.judge([order], [gold]))[0], expected)


def test_notes_without_gold_are_left_out_of_the_means() -> None:
    judged = ranking.judge([["A"], ["B"]], [{"A"}, set()])
    assert ranking.summary(judged)["MAP"] == 1.0
    assert math.isnan(ranking.summary(ranking.judge([["B"]], [set()]))["P@5"])


def test_a_label_ranked_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        ranking.judge([["A", "A"]], [{"A"}])


def test_buckets_keep_the_whole_ranking_and_narrow_the_gold() -> None:
    judged = ranking.by_frequency([["common", "few", "never"]], [{"common", "few", "never"}], {"common": 8, "few": 7})
    assert {name: ranking.mean(ranking.average_precisions(one)) for name, one in judged.items()} == pytest.approx(
        {"0": 1 / 3, "1-7": 1 / 2, "8+": 1.0}
    )


def test_a_category_stands_at_the_rank_of_its_best_code() -> None:
    judged = ranking.by_category([["I10", "E11.9", "E11.65", "J18.9"]], [{"E11.22", "J18.1"}])
    assert judged.depths[0] == 3
    assert ranking.mean(ranking.average_precisions(judged)) == pytest.approx((1 / 2 + 2 / 3) / 2)


@given(st.lists(st.sampled_from(["I10", "E11.9", "E11.65", "E10.9", "J18.9"]), unique=True), st.integers(1, 6))
def test_prefix_match_is_the_match_of_the_cut_codes(found: list[str], length: int) -> None:
    gold = {"E11.22", "J18.1", "I10"}
    cut = [found[place][:length] for place in range(len(found))]
    once = [prefix for place, prefix in enumerate(cut) if prefix not in cut[:place]]
    judged = ranking.by_prefix([found], [gold], length)
    assert judged.hits[0].tolist() == [prefix in {code[:length] for code in gold} for prefix in once]
    assert judged.gold[0] == len({code[:length] for code in gold})


def test_a_summary_has_the_depths_that_were_asked_for() -> None:
    judged = ranking.judge([["A", "B", "C"]], [{"A", "C"}])
    found = ranking.summary(judged, ranking.ALL_PRECISIONS, ranking.ALL_RECALLS)
    assert [found[f"P@{k}"] for k in (1, 3, 5, 8, 15)] == pytest.approx([1, 2 / 3, 2 / 5, 2 / 8, 2 / 15])
    assert [found[f"R@{k}"] for k in (5, 8, 10, 15, 20, 50, 200)] == [1.0] * 7
    assert set(ranking.summary(judged)) == {"MAP", "R-precision", "P@5", "P@8", "P@15", "R@5", "R@20", "R@200"}


def test_agreement_counts_a_short_list_as_disagreement() -> None:
    twenty = [str(place) for place in range(20)]
    assert ranking.agreement(twenty[::-1], twenty, 20) == 1.0
    assert ranking.agreement(twenty[:15], twenty, 20) == 0.75
    assert ranking.agreement([], [], 20) == 1.0


@given(coded_notes())
def test_auc_is_that_of_the_dense_matrix_with_the_unranked_tied_at_the_bottom(notes: Notes) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, truth = dense(notes)
    scored = tabulated(notes)
    if 0 < truth.sum() < truth.size:
        assert same(classification.micro_auc(scored), metrics.roc_auc_score(truth.ravel(), scores.ravel()))
    areas = [
        metrics.roc_auc_score(truth[:, label], scores[:, label])
        for label in range(len(LABELS))
        if 0 < truth[:, label].sum() < len(notes)
    ]
    assert same(classification.macro_auc(scored), float(np.mean(areas)) if areas else math.nan)


@given(coded_notes(), st.integers(1, 6))
def test_f1_is_that_of_scikit_learn(notes: Notes, quarter: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, truth = dense(notes)
    predicted = (scores >= quarter / 4).astype(np.int64)
    found = classification.assign(tabulated(notes), quarter / 4)
    assert same(found.micro_f1, metrics.f1_score(truth, predicted, average="micro", zero_division=0))
    precision = metrics.precision_score(truth, predicted, average="macro", zero_division=0)
    recall = metrics.recall_score(truth, predicted, average="macro", zero_division=0)
    assert same(found.macro_f1_caml, classification.harmonic(precision, recall))
    present = truth.any(axis=0)
    per_label = metrics.f1_score(truth, predicted, average=None, zero_division=0)[present]
    assert same(found.macro_f1_per_label, float(per_label.mean()) if present.any() else 0.0)


@given(coded_notes())
def test_no_threshold_is_better_than_the_best(notes: Notes) -> None:
    scored = tabulated(notes)
    best = classification.assign(scored, classification.best_threshold(scored)).micro_f1
    assert all(classification.assign(scored, quarter / 4).micro_f1 <= best + 1e-12 for quarter in range(8))


def test_an_exact_match_misses_nothing_and_adds_nothing() -> None:
    predicted: list[set[str]] = [{"A"}, {"A", "B"}, set(), {"A"}]
    gold: list[set[str]] = [{"A"}, {"A"}, set(), {"A", "B"}]
    assert classification.exact_match_ratio(predicted, gold) == 0.5
    assert math.isnan(classification.exact_match_ratio([], []))
    with pytest.raises(ValueError, match="shorter"):
        classification.exact_match_ratio([set()], [])


def test_labels_outside_the_space_are_counted_when_they_are_gold() -> None:
    scored = classification.tabulate([["A"]], [[1.0]], [{"A", "retired"}], {"A", "B"})
    assert len(scored.support) == 3
    assert classification.assign(scored, 0.5).micro_recall == 0.5


def test_evidence_is_compared_as_mdace_does() -> None:
    text = "Fever, then pneumonia. Pneumonia of 12 days."
    gold = [evidence.Support(12, 21, "J18.9"), evidence.Support(0, 5, "R50.9")]
    returned = [evidence.Support(23, 32, "J18.9"), evidence.Support(0, 10, "R50.9")]
    assert [text[span.start : span.end] for span in gold] == ["pneumonia", "Fever"]
    found = evidence.compare(text, gold, returned)
    assert found.span_exact == evidence.Counts(0, 2, 2)
    assert found.span_anywhere == evidence.Counts(1, 1, 1)
    assert found.token_exact == evidence.Counts(1, 2, 1)
    assert found.token_anywhere == evidence.Counts(2, 1, 0)
    assert (found + found).f1()["token F1 position-independent"] == pytest.approx(0.8)


def test_evidence_for_another_code_does_not_count() -> None:
    span, other = evidence.Support(0, 5, "R50.9"), evidence.Support(0, 5, "R50.8")
    assert evidence.compare("fever", [span], [other]).f1() == dict.fromkeys(evidence.Agreement().f1(), 0.0)


def test_tokens_leave_punctuation_and_large_numbers_out() -> None:
    assert evidence.tokenise("Grade 3, 120/80") == [(0, "grade"), (6, "3")]


@given(st.text(alphabet="ab .,-()/\n", max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_trimming_takes_nothing_but_edges(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    trimmed = evidence.trim(text, evidence.Support(start, end, "A"))
    assert start <= trimmed.start <= trimmed.end <= max(end, trimmed.start)
    words = text[trimmed.start : trimmed.end]
    assert [c for c in text[start:end] if c in "ab"] == [c for c in words if c in "ab"]
    assert not words or (words[0] not in "-.,/ \n)" and words[-1] not in "-.,/ \n(")


def test_codes_without_evidence_are_a_share_of_those_returned() -> None:
    assert evidence.without_evidence([("span",), (), (), ("span",)]) == 0.5
    assert evidence.without_evidence([]) == 0.0
