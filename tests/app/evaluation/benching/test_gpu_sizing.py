"""GPUs are sized by a measured GPU and by nothing else."""

from __future__ import annotations

import pytest

from app.evaluation.benching.gpu_sizing import gpu_sizing, told

MACHINE = {"machine": {"cores": 16}}
MEASURED = {"device": "Tiny 1", "notes": {"notes_per_second": {"encode": 900.0, "pipeline": 50.0}}}


def test_a_measured_gpu_is_charged_the_whole_note() -> None:
    sized = gpu_sizing(MACHINE | {"gpu": MEASURED}, 8_640_000)  # 100 a second
    assert sized == pytest.approx({"gpu_seconds": 0.02, "gpus": 2.0, "gpus_with_room": 2 / 0.7})
    assert told(MACHINE | {"gpu": MEASURED}, 8_640_000) == (
        "GPUs (Tiny 1): 0.0200 GPU-seconds a note, 2.0 GPUs, 2.9 at 70% busy, "
        "each beside the 16 cores that it was measured with."
    )


@pytest.mark.parametrize(
    ("found", "reason"),
    [({}, "the benchmark has no part gpu"), ({"gpu": {"not_run": "no CUDA device"}}, "no CUDA device")],
)
def test_without_a_measured_gpu_there_is_no_figure(found: dict[str, object], reason: str) -> None:
    assert gpu_sizing(MACHINE | found, 10) is None
    assert told(MACHINE | found, 10) == f"GPUs: none was measured, so none is sized ({reason})."
