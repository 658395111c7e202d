"""What opening needs besides the encoder, read while that is being opened."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from app.edits.hcc import load_hcc
from app.pipeline.assertion.phrases import assertion_lexicon
from app.pipeline.calibration import SHIPPED, Calibration, of_model, read_all
from app.pipeline.holding import Holding
from app.pipeline.reading.misspellings import vocabulary
from app.pipeline.reading.shorthand import shorthand_lexicon
from index_builder.checking import EarlyChecks
from index_builder.tables.poa_exempt import load_exempt

_THREADS: Final = 2  # one hashes, which needs no interpreter; the other parses, which does


class Ahead:
    """A context: begun when it is made, its threads end with it.

    What is wrong is raised where the thing is asked for, so errors come in the order of opening, not of reading.
    """

    def __init__(
        self,
        artifacts: Path,
        holdings: Sequence[Holding],
        calibrations: Sequence[Path],
        checks: EarlyChecks | None = None,
    ) -> None:
        """checks: begun before; they are forgotten at the end, so that the next opening checks anew"""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="ahead")
        self._checks = checks or EarlyChecks(self._threads)
        for one in holdings:
            self._checks.begin(artifacts, one.code_set, edition=one.edition, index=one.index)
        self._read = self._threads.submit(read_all, [SHIPPED, *calibrations])
        self._words = self._threads.submit(_read_words)
        self._known: dict[str, dict[str, Calibration]] = {}
        self.check = self._checks.check

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._checks.forget()
        self._threads.shutdown(cancel_futures=True)

    def calibrations(self, model: str) -> dict[str, Calibration]:
        """As `calibration.load_all`, read once for all code sets. Raises CalibrationError."""
        if model not in self._known:
            self._known[model] = of_model(self._read.result(), model)
        return self._known[model]

    def wait_for_words(self) -> None:
        """Until the word lists are read, so that nobody reads them twice."""
        self._words.result()


def _read_words() -> None:
    """Word lists that are kept once read: neither the pipeline nor the first note should wait for them."""
    assertion_lexicon()
    vocabulary()
    shorthand_lexicon()
    load_hcc()
    load_exempt()
