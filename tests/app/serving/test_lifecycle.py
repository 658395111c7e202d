"""One pipeline takes another's place: swapped, refused, one at a time, closed when nobody needs it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry

from app.errors import NotReady, ReloadInProgress, ReloadRefused
from app.pipeline.coder import Coder, Versions
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from app.serving.lifecycle import Choice, Lifecycle, State
from app.serving.lifecycle_metrics import LifecycleMetrics
from index_builder.catalog import Catalog
from index_builder.errors import ChangedFileError


class Named:
    """A coder that is nothing but its versions."""

    catalog: Catalog  # not read here

    def __init__(self, name: str) -> None:
        self.versions = Versions(f"model-{name}", f"index-{name}", "set")

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        return [Coding((), (), ()) for _ in notes]


class Opener:
    """Opens a coder named after the choice; gate: closed, opening waits. "bad" is refused."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)

    def __call__(self, choice: Choice) -> Coder:
        self.begun.release()
        assert self.gate.wait(5)
        if choice.index == "bad":
            raise ChangedFileError("search64.faiss", "changed: sha256 differs from the manifest")
        if choice.index == "odd":
            raise RuntimeError("a message that nobody vouches for")
        return Named(choice.index or "default")


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_coders_give_memory_back_once_opened_and_before_another_is_opened() -> None:
    said: list[str] = []

    class Large(Named):
        def release(self) -> None:
            said.append(f"released {self.versions.index}")

        def spare(self, sparing: bool) -> None:
            said.append(f"{'sparing' if sparing else 'as ever'} {self.versions.index}")

    def open_large(choice: Choice) -> Coder:
        said.append("opened")
        if choice.index == "bad":
            raise ChangedFileError("forms.f16", "changed")
        return Large(choice.index or "old")

    lifecycle = Lifecycle(open_large, LifecycleMetrics(CollectorRegistry()))
    lifecycle.start()
    eventually(lambda: lifecycle.state is State.READY)
    in_flight = [lifecycle.require()]
    lifecycle.reload(Choice(index="new"))
    assert said[-1] == "sparing index-new"  # as long as both are open
    in_flight.clear()
    eventually(lambda: said[-1] == "as ever index-new")
    assert said[:2] == ["opened", "released index-old"]
    before = ["released index-old", "sparing index-old", "opened"]
    assert said[2:] == [*before, "released index-new", "sparing index-new", "as ever index-new"]
    said.clear()
    with pytest.raises(ReloadRefused):
        lifecycle.reload(Choice(index="bad"))
    assert said == ["released index-new", "sparing index-new", "opened", "as ever index-new"]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def lifecycle(registry: CollectorRegistry, opener: Opener) -> Lifecycle:
    lifecycle = Lifecycle(opener, LifecycleMetrics(registry))
    lifecycle.start()
    eventually(lambda: lifecycle.state is State.READY)
    assert opener.begun.acquire(timeout=5)
    return lifecycle


def reloads(registry: CollectorRegistry, result: str) -> float | None:
    return registry.get_sample_value("icd_reloads_total", {"result": result})


def served(registry: CollectorRegistry) -> list[str]:
    samples = [s for family in registry.collect() for s in family.samples if s.name == "icd_index_info"]
    return [sample.labels["index"] for sample in samples if sample.value == 1]


def test_reload_swaps_and_names_both(lifecycle: Lifecycle, registry: CollectorRegistry) -> None:
    done = lifecycle.reload(Choice(index="b"))
    assert done.previous is not None
    assert (done.previous.index, done.versions.index) == ("index-default", "index-b")
    assert lifecycle.require().versions == done.versions
    assert (served(registry), reloads(registry, "swapped")) == (["index-b"], 1)
    assert registry.get_sample_value("icd_reload_duration_seconds_count") == 1


@pytest.mark.parametrize(
    ("index", "reason"),
    [("bad", "search64.faiss: changed: sha256 differs"), ("odd", "Opening failed with RuntimeError")],
)
def test_refused_reload_gives_the_reason_and_changes_nothing(
    lifecycle: Lifecycle, registry: CollectorRegistry, index: str, reason: str
) -> None:
    before = lifecycle.require()
    with pytest.raises(ReloadRefused) as refused:
        lifecycle.reload(Choice(index=index))
    assert reason in refused.value.detail
    assert "vouches" not in refused.value.detail
    assert lifecycle.require() is before
    assert (lifecycle.state, lifecycle.failure) == (State.READY, None)
    assert (served(registry), reloads(registry, "refused")) == (["index-default"], 1)
    lifecycle.reload(Choice(index="b"))  # a refused one does not stand in the way of the next
    assert served(registry) == ["index-b"]


def test_one_reload_at_a_time(lifecycle: Lifecycle, opener: Opener, registry: CollectorRegistry) -> None:
    opener.gate.clear()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(lifecycle.reload, Choice(index="b"))
        assert opener.begun.acquire(timeout=5)
        with pytest.raises(ReloadInProgress):
            lifecycle.reload(Choice(index="c"))
        assert lifecycle.require().versions.index == "index-default"  # serves on meanwhile
        opener.gate.set()
        assert first.result(5).versions.index == "index-b"
    assert reloads(registry, "busy") == 1


def test_reload_while_the_first_pipeline_is_loaded_is_refused(registry: CollectorRegistry, opener: Opener) -> None:
    opener.gate.clear()
    lifecycle = Lifecycle(opener, LifecycleMetrics(registry))
    lifecycle.start()
    with pytest.raises(ReloadInProgress):
        lifecycle.reload()
    opener.gate.set()
    eventually(lambda: lifecycle.state is State.READY)


def test_reload_heals_a_service_that_could_not_load(registry: CollectorRegistry) -> None:
    outcomes: list[Coder | Exception] = [ChangedFileError("forms.f16", "changed"), Named("whole")]

    def open_next(choice: Choice) -> Coder:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    lifecycle = Lifecycle(open_next, LifecycleMetrics(registry))
    lifecycle.start()
    eventually(lambda: lifecycle.state is State.FAILED)
    assert lifecycle.reload().previous is None
    assert (lifecycle.state, lifecycle.failure) == (State.READY, None)


def test_stopping_service_takes_no_other_pipeline(lifecycle: Lifecycle, opener: Opener) -> None:
    opener.gate.clear()
    with ThreadPoolExecutor() as threads:
        reload = threads.submit(lifecycle.reload, Choice(index="b"))
        assert opener.begun.acquire(timeout=5)
        lifecycle.stop()
        opener.gate.set()
        with pytest.raises(NotReady):
            reload.result(5)
    assert lifecycle.require().versions.index == "index-default"


def test_old_pipeline_lives_exactly_as_long_as_someone_codes_with_it(
    lifecycle: Lifecycle, registry: CollectorRegistry
) -> None:
    closed: list[str] = []
    in_flight = lifecycle.require()
    weakref.finalize(in_flight, closed.append, "default")
    lifecycle.reload(Choice(index="b"))
    assert (closed, registry.get_sample_value("icd_pipelines_open")) == ([], 2)
    del in_flight
    assert (closed, registry.get_sample_value("icd_pipelines_open")) == (["default"], 1)
