"""Turns a run into figures: plain dictionaries that go into the JSON report as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from app.evaluation.corpora import CodedNote
from app.evaluation.run import Comparison, Run
from app.evaluation.us_notes import UsNote, resolve
from app.pipeline.coding import CodedItem, Coding
from app.pipeline.note import Note, stage_widths
from app.pipeline.trace import Ranking
from model.metrics import calibration, classification, evidence, ranking

Figures = dict[str, Any]
Gold = Sequence[AbstractSet[str]]


def measure(run: Run, edition: AbstractSet[str], training: Mapping[str, int] | None) -> Figures:
    """All figures of a run.

    edition:  every code of the loaded edition, the label space
    training: notes of the training split in which each code is gold; None leaves the frequency buckets out
    """
    gold = [coded.gold for coded in run.notes]
    finals = [_counted(coded, final) for coded, final in zip(run.notes, run.finals, strict=True)]
    answers = [order(final) for final in finals]
    rankings = [_named(coded, items) for coded, items in zip(run.notes, answers, strict=True)]
    return {
        "corpus": count_gold(run.notes, edition),
        "seconds_per_note": _spread(run.seconds),
        "ranking": ranking.summary(ranking.judge(rankings, gold), recalls=(5, 10, 20, 200)),
        "category_match": _brief(ranking.by_category(rankings, gold)),
        "buckets": None if training is None else _buckets(rankings, gold, training),
        "assignment": _assignment(finals, answers, gold, edition),
        "evidence": measure_evidence(run.notes, run.finals),
        "stages": _stages(run, gold),
        "calibration": _calibration(answers, gold),
        "forbidden": _forbidden(run),
        "exact": None if run.comparison is None else compare(run.comparison, gold),
    }


def _counted(coded: CodedNote, final: Coding) -> Coding:
    """The answer without the codes that are neither right nor wrong: what follows them moves up."""
    codes, candidates = (
        tuple(item for item in items if item.code not in coded.uncounted) for items in (final.codes, final.candidates)
    )
    return replace(final, codes=codes, candidates=candidates)


def _named(coded: CodedNote, items: Sequence[CodedItem]) -> list[str]:
    """The ranked codes; alternatives that the gold accepts count as the gold code."""
    codes = [item.code for item in items]
    return resolve(coded, codes) if isinstance(coded, UsNote) else codes


def _calibration(answers: Sequence[Sequence[CodedItem]], gold: Gold) -> Figures | None:
    """How far probabilities are from what happens, over returned codes; None where there are none."""
    pairs = [
        (item.probability, item.code in right)
        for items, right in zip(answers, gold, strict=True)
        for item in items
        if item.probability is not None
    ]
    if not pairs:
        return None
    probabilities, outcomes = (np.array(column) for column in zip(*pairs, strict=True))
    curve = calibration.reliability(probabilities.astype(np.float64), outcomes.astype(np.bool_))
    return {
        "returned": len(pairs),
        "ECE": calibration.expected_calibration_error(curve),
        "Brier": calibration.brier_score(probabilities.astype(np.float64), outcomes.astype(np.bool_)),
        "curve": [asdict(one) for one in curve],
    }


def _forbidden(run: Run) -> Figures | None:
    """Codes that a suite forbids, in `codes` and in `candidates`; None for corpora that forbid nothing."""
    suite = [(coded, final) for coded, final in zip(run.notes, run.finals, strict=True) if isinstance(coded, UsNote)]
    if not suite:
        return None
    listed = {"codes": [(c, f.codes) for c, f in suite], "candidates": [(c, f.candidates) for c, f in suite]}
    return {
        name: [f"{coded.id} {code}" for coded, items in rows for code in coded.violations([i.code for i in items])]
        for name, rows in listed.items()
    }


def order(final: Coding) -> list[CodedItem]:
    """Codes and candidates of an answer as one list: by score, ties by code, as the contract orders them."""
    return sorted((*final.codes, *final.candidates), key=lambda item: (-item.score, item.code))


def count_gold(notes: Sequence[CodedNote], edition: AbstractSet[str]) -> Figures:
    """Sizes of a corpus. Unreachable codes are not in the edition: they stay gold and can only be missed."""
    named = [code for coded in notes for code in coded.gold]
    lost = [code for code in named if code not in edition]
    return {
        "notes": len(notes),
        "notes_without_gold": sum(not coded.gold for coded in notes),
        "gold": len(named),
        "distinct_gold": len(set(named)),
        "unreachable": len(lost),
        "distinct_unreachable": len(set(lost)),
        "unreachable_codes": sorted(set(lost)),
        "edition_codes": len(edition),
    }


def measure_evidence(notes: Sequence[CodedNote], finals: Sequence[Coding]) -> Figures:
    """Share of returned codes without evidence, spans per code, and spans whose offsets do not slice back."""
    items = [(coded.note, item) for coded, final in zip(notes, finals, strict=True) for item in order(final)]
    spans = [len(item.evidence) for _, item in items]
    return {
        "returned_codes": len(items),
        "share_without_evidence": evidence.without_evidence([item.evidence for _, item in items]),
        "spans_per_code": float(np.mean(spans)) if spans else 0.0,
        "wrong_offsets": sum(_wrong_offsets(note, item) for note, item in items),
    }


def compare(comparison: Comparison, gold: Gold) -> Figures:
    """Cascades and single prefixes beside exact 768-d search, on the compared notes only."""
    judged = gold[: len(comparison.exact)]
    exact = _brief(_judge(comparison.exact, judged))
    prefixes = {d: _brief(_judge(found, judged)) for d, found in sorted(comparison.prefixes.items())}
    return {
        "notes": len(comparison.exact),
        "exact768": exact,
        "prefixes": {str(d): figures for d, figures in prefixes.items()},
        "cascades": [
            {
                "widths": setting.widths,
                "top_k": setting.top_k,
                **asdict(stage_widths(setting.widths, setting.top_k)),
                **_against(found, comparison.exact, judged, exact["R@20"]),
            }
            for setting, found in comparison.cascades.items()
        ],
    }


def _against(found: Sequence[Ranking], exact: Sequence[Ranking], gold: Gold, exact_recall: float) -> Figures:
    shares = [ranking.agreement(one.codes, other.codes, 20) for one, other in zip(found, exact, strict=True)]
    recall = ranking.mean(ranking.recalls_at(_judge(found, gold), 20))
    return {"top20_agreement": float(np.mean(shares)), "R@20": recall, "R@20_change": recall - exact_recall}


def _stages(run: Run, gold: Gold) -> dict[str, Figures]:
    figures = {}
    for stage, found in run.stages.items():
        judged = _judge(found, gold)
        handed = {"codes": float(np.mean([len(one) for one in found])), "recall": ranking.mean(ranking.recalls(judged))}
        figures[stage] = handed | _brief(judged)
    return figures


def _buckets(rankings: Sequence[Sequence[str]], gold: Gold, training: Mapping[str, int]) -> dict[str, Figures]:
    judged = ranking.by_frequency(rankings, gold, training)
    return {name: {"gold": int(one.gold.sum())} | _brief(one) for name, one in judged.items()}


def _brief(judged: ranking.Judged) -> dict[str, float]:
    return {
        "MAP": ranking.mean(ranking.average_precisions(judged)),
        "R@20": ranking.mean(ranking.recalls_at(judged, 20)),
        "R@200": ranking.mean(ranking.recalls_at(judged, 200)),
    }


def _judge(found: Sequence[Ranking], gold: Gold) -> ranking.Judged:
    return ranking.judge([one.codes for one in found], gold)


def _assignment(
    finals: Sequence[Coding], answers: Sequence[Sequence[CodedItem]], gold: Gold, edition: AbstractSet[str]
) -> Figures:
    """F1 of `codes` as answered, and at the best threshold on these very notes; AUC of the whole answer."""
    by_probability = all(item.probability is not None for items in answers for item in items)
    values = [[_value(item, by_probability) for item in items] for items in answers]
    scored = classification.tabulate([[item.code for item in items] for items in answers], values, gold, edition)
    coded = [{item.code for item in final.codes} for final in finals]
    chosen = [item.code in codes for items, codes in zip(answers, coded, strict=True) for item in items]
    best = classification.best_threshold(scored)
    return {
        "threshold_on": "probability" if by_probability else "score",
        "labels": len(scored.support),
        "as_answered": asdict(classification.assign_pairs(scored, np.array(chosen, dtype=np.bool_))),
        "best_threshold": asdict(classification.assign(scored, best)),
        "micro_auc": classification.micro_auc(scored),
        "macro_auc": classification.macro_auc(scored),
    }


def _value(item: CodedItem, by_probability: bool) -> float:
    return item.probability if by_probability and item.probability is not None else item.score


def _wrong_offsets(note: Note, item: CodedItem) -> int:
    texts = [document.text for document in note.documents]
    return sum(texts[span.document][span.start : span.end] != span.text for span in item.evidence)


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"mean": float(np.mean(seconds)), "p50": float(p50), "p95": float(p95)}
