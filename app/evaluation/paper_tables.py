"""The columns that papers report for a corpus, under their names, from ranked lists or from a full score matrix.

A threshold is chosen on dev and used on test: `best_threshold` of model.metrics.classification or full_matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from model.metrics import classification, full_matrix, gain, ranking
from model.metrics.classification import Assignment
from model.metrics.full_matrix import Flags, Scores
from model.metrics.ranking import Judged

Gold = Sequence[AbstractSet[str]]

# Mullenbach et al. 2018 and all that compare with them; the few-shot papers report the first four.
_CAML = ("AUC macro", "AUC micro", "F1 macro (CAML)", "F1 micro", "P@5", "P@8", "P@15")
# Edin et al. 2023 take F1 macro per label.
_EDIN = (
    "AUC micro", "AUC macro", "F1 micro", "F1 macro (per label)", "EMR", "P@8", "P@15", "R-precision", "MAP",
)  # fmt: skip
# You et al. 2019 (AttentionXML) and the extreme classification repository.
_XMC = ("P@1", "P@3", "P@5", "nDCG@3", "nDCG@5")
_CODIESP = ("MAP", "F1 micro", "P@5", "R@20")  # Miranda-Escalada et al. 2020 rank by MAP

COLUMNS: dict[str, tuple[str, ...]] = {
    "codiesp": _CODIESP,
    "us-notes": _CODIESP,
    "practice": _CODIESP,
    "transcripts": _CODIESP,
    "folder": _CODIESP,
    **dict.fromkeys(("mimic-iii-full", "mimic-iii-50", "mimic-iii-rare50", "mimic-iii-few"), _CAML),
    **dict.fromkeys(("mimic-iv-icd9", "mimic-iv-icd10"), _EDIN),
    **dict.fromkeys(("eurlex-4k", "wiki10-31k"), _XMC),
}


def from_rankings(
    corpus: str,
    rankings: Sequence[Sequence[str]],
    scores: Sequence[Sequence[float]],
    gold: Gold,
    space: AbstractSet[str],
    threshold: float,
) -> dict[str, float]:
    """The corpus's columns for ranked lists, best first, with their scores; labels that are not ranked tie last.

    Raises KeyError for an unknown corpus and ValueError when the lists do not match.
    """
    scored = classification.tabulate(rankings, scores, gold, space)
    chosen = [
        {label for label, score in zip(labels, values, strict=True) if score >= threshold}
        for labels, values in zip(rankings, scores, strict=True)
    ]
    areas = {
        "AUC macro": lambda: classification.macro_auc(scored),
        "AUC micro": lambda: classification.micro_auc(scored),
    }
    return _choose(
        COLUMNS[corpus],
        ranking.judge(rankings, gold),
        classification.assign(scored, threshold),
        areas | {"EMR": lambda: classification.exact_match_ratio(chosen, gold)},
    )


def from_matrix(corpus: str, scores: Scores, gold: Flags, threshold: float) -> dict[str, float]:
    """The corpus's columns for a score of every label of every note, (N, L), as the ICD coding papers compute them.

    Raises KeyError for an unknown corpus and ValueError for other shapes.
    """
    return _choose(
        COLUMNS[corpus],
        full_matrix.judge(scores, gold, gold.shape[1]),
        full_matrix.assign(scores, gold, threshold),
        {
            "AUC macro": lambda: full_matrix.macro_auc(scores, gold),
            "AUC micro": lambda: full_matrix.micro_auc(scores, gold),
            "EMR": lambda: full_matrix.exact_match_ratio(scores, gold, threshold),
        },
    )


def _choose(
    columns: Sequence[str], judged: Judged, assigned: Assignment, others: dict[str, Callable[[], float]]
) -> dict[str, float]:
    """Only what is asked for is computed: sorting thirty million pairs takes seconds."""
    measures: dict[str, Callable[[], float]] = {
        "F1 micro": lambda: assigned.micro_f1,
        "F1 macro (CAML)": lambda: assigned.macro_f1_caml,
        "F1 macro (per label)": lambda: assigned.macro_f1_per_label,
        "MAP": lambda: ranking.mean(ranking.average_precisions(judged)),
        "R-precision": lambda: ranking.mean(ranking.r_precisions(judged)),
        "R@20": lambda: ranking.mean(ranking.recalls_at(judged, 20)),
        "nDCG@3": lambda: ranking.mean(gain.ndcgs_at(judged, 3)),
        "nDCG@5": lambda: ranking.mean(gain.ndcgs_at(judged, 5)),
        **{f"P@{k}": _precision(judged, k) for k in ranking.ALL_PRECISIONS},
        **others,
    }
    return {column: float(measures[column]()) for column in columns}


def _precision(judged: Judged, k: int) -> Callable[[], float]:
    return lambda: ranking.mean(ranking.precisions_at(judged, k))
