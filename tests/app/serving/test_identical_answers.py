"""The real pipeline and encoder behind the batcher: what shares a batch must not be visible in an answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Document, Note
from app.pipeline.pipeline import CodingPipeline
from app.serving.admission import Admission
from app.serving.batcher import Batcher
from app.serving.limits import ServingLimits
from app.serving.metrics import Metrics
from app.serving.work import Lane, Outcome, Work
from index_builder.build import build
from index_builder.loader import load
from model.checkpoint import Checkpoint
from model.onnx_encoder import OnnxEncoder
from tests.index_builder.fakes import FakeCodeSet
from tests.model.tiny import write_tiny_checkpoint

TEXTS = (
    "Low back pain.",
    "Known type 2 diabetes, foot ulcer of the left foot. Today: fever and cough, no pneumonia.",
    "History: hypertension, chronic kidney disease stage 3.\nAssessment: acute heart failure.",
    "Fracture of the right hand, initial encounter; asthma. " * 12,
    "Hay fever (seasonal), reflux and migraine with aura.",
    "Thank you.",
)


class Gated:
    """The pipeline, held back until the gate opens; counts the notes of each call."""

    def __init__(self, pipeline: CodingPipeline) -> None:
        self._pipeline = pipeline
        self.versions, self.catalog = pipeline.versions, pipeline.catalog
        self.sizes: list[int] = []
        self.gate = threading.Event()

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        self.gate.wait(10)
        self.sizes.append(len(notes))
        return self._pipeline.code(notes, options)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodingPipeline]:
    folder: Path = tmp_path_factory.mktemp("identical")
    write_tiny_checkpoint(folder / "tiny")
    encoder = OnnxEncoder(Checkpoint.open(folder / "tiny"), threads=1)
    build(FakeCodeSet(), encoder, folder, builder_version="test")
    yield (pipeline := CodingPipeline(encoder, load(folder, "fake", encoder)))
    pipeline.catalog.close()


def work(text: str) -> Work:
    return Work(Note((Document(text),)), CodingOptions(assertion="annotate"))


async def through_batcher(coder: Gated, texts: Sequence[str]) -> list[Outcome]:
    """Two notes occupy the coder; then every text comes as a request of its own."""
    limits, metrics = ServingLimits(), Metrics()
    batcher = Batcher(limits, metrics)
    admission = Admission(batcher, limits, metrics)
    batcher.start()
    try:
        first = asyncio.create_task(admission.run(coder, [work("Cough."), work("Fever.")], Lane.INTERACTIVE, "first"))
        while not batcher.load().running:
            await asyncio.sleep(0.001)
        rest = [asyncio.create_task(admission.run(coder, [work(text)], Lane.INTERACTIVE, text)) for text in texts]
        while not batcher.load().queued[Lane.INTERACTIVE]:
            await asyncio.sleep(0.001)
        coder.gate.set()
        await first
        return [outcome for outcomes in await asyncio.gather(*rest) for outcome in outcomes]
    finally:
        batcher.close()


def test_answer_is_the_same_alone_and_in_a_batch_of_strangers(pipeline: CodingPipeline) -> None:
    coder = Gated(pipeline)
    shared = asyncio.run(through_batcher(coder, TEXTS))
    assert coder.sizes == [2, len(TEXTS)]
    for text, outcome in zip(TEXTS, shared, strict=True):
        asked = work(text)
        [alone] = pipeline.code([asked.note], [asked.options])
        assert isinstance(outcome, Coding)
        assert (outcome.codes, outcome.candidates, outcome.suppressed) == (
            alone.codes,
            alone.candidates,
            alone.suppressed,
        )
    assert sum(isinstance(outcome, Coding) and bool(outcome.candidates or outcome.codes) for outcome in shared) >= 5
