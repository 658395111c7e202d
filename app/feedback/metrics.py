"""What Prometheus reads of feedback: decisions per code and version, with a bounded number of labels.

The most decided codes have labels of their own, all others are "other". Versions are named only while this process has
them loaded, all others are "earlier": a label never holds a word that only a client has said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.errors import FeedbackUnavailable
from app.feedback.review import Decision, Tally
from app.feedback.store import FeedbackStore
from app.serving.logs import log_failure

CODES: Final = 100
OTHER: Final = "other"
EARLIER: Final = "earlier"
NONE: Final = "none"
_LABELS: Final = ("code", "index", "calibration")
Named = Callable[[], frozenset[str]]
Key = tuple[str, str, str]


class FeedbackMetrics(Collector):
    """Reads the tallies when it is scraped. loaded: names of loaded indexes and calibrations."""

    def __init__(self, registry: CollectorRegistry, store: FeedbackStore, loaded: Named, codes: int = CODES) -> None:
        self._store = store
        self._loaded = loaded
        self._codes = codes
        registry.register(self)

    def describe(self) -> list[GaugeMetricFamily]:
        """Names only: nothing is read before the first scrape."""
        return list(self._families())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Decisions, and the share of suggestions that were accepted. Nothing while the store cannot be read."""
        try:
            tallies = self._store.tallies()
        except FeedbackUnavailable as error:
            log_failure("feedback not counted", error)
            return
        decisions, acceptance = self._families()
        for (key, decision), count in self._counts(tallies).items():
            decisions.add_metric([*key, decision], count)
        for key, share in acceptance_of(self._counts(tallies)).items():
            acceptance.add_metric(key, share)
        yield decisions
        yield acceptance

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "icd_feedback_decisions", "Stored decisions of reviewers.", labels=(*_LABELS, "decision")
            ),
            GaugeMetricFamily(
                "icd_feedback_acceptance_ratio", "Share of decided suggestions that were accepted.", labels=_LABELS
            ),
        )

    def _counts(self, tallies: list[Tally]) -> Counter[tuple[Key, Decision]]:
        named = set(list(dict.fromkeys(tally.code for tally in tallies))[: self._codes])
        loaded = self._loaded()
        counts: Counter[tuple[Key, Decision]] = Counter()
        for tally in tallies:
            code = tally.code if tally.code in named else OTHER
            index = tally.index if tally.index in loaded else EARLIER
            calibration = NONE if tally.calibration is None else tally.calibration
            calibration = calibration if calibration in loaded | {NONE} else EARLIER
            counts[(code, index, calibration), tally.decision] += tally.count
        return counts


def acceptance_of(counts: Counter[tuple[Key, Decision]]) -> dict[Key, float]:
    """accepted / (accepted + rejected) for every key that has either; what was added had not been suggested."""
    keys = {key for key, decision in counts if decision is not Decision.ADDED}
    accepted = {key: counts[key, Decision.ACCEPTED] for key in keys}
    return {key: accepted[key] / (accepted[key] + counts[key, Decision.REJECTED]) for key in sorted(keys)}
