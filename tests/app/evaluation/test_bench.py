"""The arithmetic of a benchmark on made-up times, and one whole benchmark of the real pipeline over a small index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from app.evaluation import bench_report, report
from app.evaluation.bench import Measured, measure
from app.evaluation.bench_figures import figures
from app.evaluation.contenders import COARSE, EXACT, FLOAT, MAPPED
from app.evaluation.errors import EvaluationError
from app.evaluation.machine import cpu_flags, describe
from app.evaluation.sample_notes import read_samples
from app.pipeline.note import Document, Note
from app.pipeline.pipeline import CodingPipeline
from index_builder.build import build
from index_builder.loader import load
from tests.index_builder.fakes import FakeCodeSet, FakeEncoder

CASCADES = {"cascade, card", "cascade, balanced", FLOAT}
OUTLIER = 900.0  # one slow repeat, which medians must not see


def times(*notes: list[float]) -> Any:
    return np.array(notes, dtype=np.float64)


def made_up() -> Measured:
    """Two notes, three repeats each."""
    stages = {
        "encode": times([60, 60, OUTLIER], [120, 120, 120]),
        "search64": times([5, 5, 5], [10, 10, OUTLIER]),
        "rescore256": times([1, 1, 1], [2, 2, 2]),
        "rescore768": times([0, 0, 0], [2, 2, 2]),
    }
    return Measured(
        tokens=np.array([100, 300]),
        spans=np.array([10, 30]),
        stages=stages,
        whole=times([70, 70, OUTLIER], [130, 130, 130]),
        encoder=times([30, 30, 30], [70, OUTLIER, 70]),
        searches={
            EXACT: times([100, 100, OUTLIER], [400, 400, 400]),
            COARSE: times([5, 5, 5], [8, 8, OUTLIER]),
            "cascade, card": times([10, OUTLIER, 10], [16, 16, 16]),
        },
        found={EXACT: [[1, 2, 3, 4], [5, 6]], COARSE: [[9, 2, 1, 8], [6, 5]], "cascade, card": [[4, 3, 2, 7], [6, 5]]},
        skipped=1,
    )


def test_shares_are_of_the_sum_of_note_medians_and_add_up() -> None:
    shares = {name: stage["share"] for name, stage in figures(made_up())["stages"].items()}
    assert shares == pytest.approx({"encode": 0.9, "search64": 0.075, "rescore256": 0.015, "rescore768": 0.01})


def test_ratios_are_of_medians_note_by_note() -> None:
    card = figures(made_up())["searches"]["cascade, card"]
    assert card["exact_takes_times"] == pytest.approx({"median": 17.5, "least": 10, "most": 25})
    assert card["takes_times_64d"] == pytest.approx({"median": 2, "least": 2, "most": 2})
    assert figures(made_up())["encoder"]["times_the_cascade"] == pytest.approx({"median": 5, "least": 5, "most": 5})


def test_agreement_is_the_mean_share_of_common_codes_in_any_order() -> None:
    searches = figures(made_up())["searches"]
    agreed = {name: found["top20_agreement"] for name, found in searches.items()}
    assert agreed == pytest.approx({EXACT: 1, COARSE: (2 / 4 + 1) / 2, "cascade, card": (3 / 4 + 1) / 2})


def test_pace_counts_notes_and_tokens_over_the_median_times() -> None:
    found = figures(made_up())
    assert found["pipeline"]["notes_per_second"] == pytest.approx(2 / 0.2)
    assert found["pipeline"]["tokens_per_second"] == pytest.approx(400 / 0.2)
    assert found["encoder"]["tokens_per_second"] == pytest.approx(400 / 0.1)
    assert found["pipeline"]["p50_ms"] == pytest.approx(130)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodingPipeline]:
    artifacts = tmp_path_factory.mktemp("artifacts")
    build(FakeCodeSet(), FakeEncoder(), artifacts, builder_version="test")
    index = load(artifacts, "fake", FakeEncoder())
    yield CodingPipeline(FakeEncoder(), index)
    index.close()


def test_a_benchmark_of_the_shipped_notes_is_whole(pipeline: CodingPipeline, tmp_path: Path) -> None:
    encoder = FakeEncoder()
    told: list[tuple[str, int, int]] = []
    notes = [*read_samples(), Note((Document("..."),))]
    measured = measure(pipeline, encoder, notes, 2, lambda *step: told.append(step))
    assert measured.whole.shape == measured.encoder.shape == (6, 2)
    assert measured.skipped == 1
    assert set(measured.searches) == {EXACT, MAPPED, COARSE} | CASCADES
    assert all((taken > 0).all() for taken in [measured.whole, *measured.searches.values()])
    assert measured.found[MAPPED] == measured.found[EXACT]
    assert measured.found[FLOAT] == measured.found["cascade, balanced"]
    assert measured.found["cascade, balanced"] == measured.found[EXACT]  # fewer codes than the shortlist holds
    assert told[-1] == ("measuring", 12, 12)
    found = figures(measured)
    assert sum(stage["share"] for stage in found["stages"].values()) == pytest.approx(1)

    parameters = {"repeats": 2, "backend": "fake", "source": "invented notes"}
    whole = {"parameters": parameters, "versions": {"model": "m", "calibration": None}, "machine": describe(), **found}
    report.write(whole, tmp_path / "bench.json")
    assert json.loads((tmp_path / "bench.json").read_text())["searches"].keys() == measured.searches.keys()
    console = Console(file=StringIO(), width=140)
    console.print(bench_report.render(whole))
    assert isinstance(console.file, StringIO)
    printed = console.file.getvalue()
    assert all(name in printed for name in [*measured.searches, *measured.stages])
    assert "6 invented notes, 1 without words left out" in printed


@pytest.mark.parametrize(
    ("faster", "agreement", "said"),
    [(6.1, 0.991, "reached"), (5.9, 0.991, "not reached"), (6.1, 0.989, "not reached")],
)
def test_the_report_says_whether_the_bar_against_exact_search_is_reached(
    faster: float, agreement: float, said: str
) -> None:
    found = {"exact_takes_times": {"median": faster}, "top20_agreement": agreement}
    (line,) = bench_report._bars({"searches": {"64-d alone": found, "cascade, balanced": found}})
    assert line.endswith(f"6 times at 0.99 {said}")


def test_notes_without_a_word_cannot_be_measured(pipeline: CodingPipeline) -> None:
    with pytest.raises(EvaluationError, match="no note"):
        measure(pipeline, FakeEncoder(), [Note((Document("--"),))], 1, lambda *_: None)


def test_the_encoder_alone_reads_what_the_pipeline_gave_it(pipeline: CodingPipeline) -> None:
    encoder = FakeEncoder()
    note = Note((Document("Low iron, hay fever.\nHay fever again."),))
    measure(pipeline, encoder, [note], 1, lambda *_: None)
    prepared, alone = encoder.calls
    assert prepared == alone
    assert "Low iron" in " ".join(alone)


def test_shipped_notes_are_six_of_usual_length() -> None:
    words = [len(note.documents[0].text.split()) for note in read_samples()]
    assert len(words) == 6
    assert all(150 <= count <= 600 for count in words)


@pytest.mark.parametrize(
    ("cpuinfo", "flags"),
    [
        (
            "processor : 0\nflags\t\t: fpu avx2 avx512_vnni amx_tile sse4_2\n\nflags : avx2\n",
            ["amx_tile", "avx2", "avx512_vnni"],
        ),
        ("Features\t: fp asimd asimddp i8mm bf16 sha2\n", ["asimddp", "bf16", "i8mm"]),
        ("processor : 0\n", None),
    ],
)
def test_cpu_flags_are_those_that_matter(tmp_path: Path, cpuinfo: str, flags: list[str] | None) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert cpu_flags(tmp_path / "cpuinfo") == flags


def test_cpu_flags_are_unknown_where_the_system_does_not_tell(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "nowhere") is None
