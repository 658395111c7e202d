"""POST /admin/reload over two real pipelines, and what clients see while one takes the other's place."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.pipeline.coder import Coder
from app.settings import Settings
from index_builder.catalog import Catalog
from index_builder.publish import point
from tests.app.api.client import Client, running
from tests.app.api.test_operations import samples
from tests.app.fakes import FakeCoder
from tests.app.live import Deployment, deploy

NOTE = "Known type 2 diabetes, foot ulcer. Today: fever and cough, no pneumonia; acute appendicitis."


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return deploy(tmp_path_factory.mktemp("deployed"))


@pytest.fixture
def deployed(built: Deployment, tmp_path: Path) -> Deployment:
    """A copy of the indexes that a test may damage."""
    artifacts = Path(shutil.copytree(built.settings.artifacts, tmp_path / "artifacts"))
    return Deployment(built.settings.model_copy(update={"artifacts": artifacts}), built.indexes)


@contextmanager
def serving(settings: Settings) -> Iterator[Client]:
    with running(None, settings) as client:
        client.wait_until_ready()
        yield client


def reload(client: Client, **chosen: str) -> httpx.Response:
    return client.send("POST", "/admin/reload", json=chosen)


def code(client: Client) -> dict[str, Any]:
    """What input and versions decide of an answer."""
    response = client.code(text=NOTE, assertion="annotate")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return {name: body[name] for name in ("codes", "candidates", "suppressed", "versions")}


def eventually(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_other_model_and_index_take_over_and_back(deployed: Deployment) -> None:
    with serving(deployed.settings) as client:
        first = code(client)
        done = reload(client, model="two", index=deployed.indexes["two"])
        assert (done.status_code, done.json()["previous"]) == (200, first["versions"])
        second = code(client)
        assert second["versions"] == done.json()["versions"]
        assert second["versions"]["index"] == deployed.indexes["two"]
        assert second["versions"]["model"] != first["versions"]["model"]
        assert second != first | {"versions": second["versions"]}  # another model scores otherwise
        assert reload(client).json()["versions"] == first["versions"]  # an empty choice is what the settings name
        assert code(client) == first
        eventually(lambda: samples(client)["icd_pipelines_open"][()] == 1)
        assert samples(client)["icd_reloads_total"]["swapped",] == 2


def test_newly_published_index_is_taken_up(deployed: Deployment) -> None:
    with serving(deployed.settings) as client:
        point(deployed.root, deployed.indexes["two"])
        assert reload(client).status_code == 422  # the settings' model did not build it
        assert reload(client, model="two").json()["versions"]["index"] == deployed.indexes["two"]


def test_every_answer_under_load_belongs_wholly_to_one_pipeline(deployed: Deployment) -> None:
    with serving(deployed.settings) as client, ThreadPoolExecutor(2) as threads:
        expected = [code(client)]
        reload(client, model="two", index=deployed.indexes["two"])
        expected.append(code(client))
        stop = threading.Event()

        def ask() -> list[dict[str, Any]]:
            answers = []
            while not stop.is_set():
                answers.append(code(client))
                time.sleep(0.01)  # the verifying thread needs the interpreter, too
            return answers

        asking = [threads.submit(ask) for _ in range(2)]
        try:
            for model in ("one", "two"):
                assert reload(client, model=model, index=deployed.indexes[model]).status_code == 200
        finally:
            stop.set()
        answers = [answer for asked in asking for answer in asked.result(10)]
        eventually(lambda: samples(client)["icd_pipelines_open"][()] == 1)
    assert all(answer in expected for answer in answers)
    assert all(answer in answers for answer in expected)


def damage(deployed: Deployment, name: str) -> None:
    file = deployed.root / deployed.indexes["two"] / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["search64.faiss", "catalog.sqlite"])
def test_damaged_index_is_refused_by_name_and_the_old_one_serves_on(deployed: Deployment, name: str) -> None:
    with serving(deployed.settings) as client:
        before = code(client)
        damage(deployed, name)
        refused = reload(client, model="two", index=deployed.indexes["two"])
        problem = refused.json()
        assert (refused.status_code, problem["type"]) == (422, "urn:icd-cascade:problem:reload-refused")
        assert f"{name}: changed" in problem["detail"]
        assert client.get("/readyz").status_code == 200
        assert code(client) == before
        found = samples(client)
    assert (found["icd_reloads_total"]["refused",], found["icd_pipelines_open"][()]) == (1, 1)


def test_index_of_another_model_is_refused(deployed: Deployment) -> None:
    with serving(deployed.settings) as client:
        refused = reload(client, index=deployed.indexes["two"])
        assert (refused.status_code, "built by model" in refused.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "chosen",
    [
        {"index": "0123456789abcdef"},
        {"index": "../../outside"},
        {"index": "current"},
        {"model": "three"},
        {"model": ".."},
        {"model": "../models/two"},
        {"model": "/etc"},
        {"model": "two/1_Layers"},
    ],
)
def test_names_outside_the_configured_folders_are_refused_unrepeated(
    deployed: Deployment, chosen: dict[str, str]
) -> None:
    with serving(deployed.settings) as client:
        refused = reload(client, **chosen)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:icd-cascade:problem:reload-refused")
        assert not any(f"{name} " in refused.text for name in chosen.values())


def test_models_cannot_be_named_without_their_folder(deployed: Deployment) -> None:
    with serving(deployed.settings.model_copy(update={"models": None})) as client:
        assert "ICD_CASCADE_MODELS" in reload(client, model="two").json()["detail"]


def test_reload_of_an_unknown_field_or_kind_breaks_the_contract(client: Client) -> None:
    assert reload(client, path="/tmp").json()["type"] == "urn:icd-cascade:problem:invalid-field"
    # A form on another site can post, but not as JSON; and not more than the body limit.
    assert client.send("POST", "/admin/reload", data={"index": "x"}).status_code == 415
    assert client.send("POST", "/admin/reload", json={"model": "x" * 4_000_000}).status_code == 413


def test_second_reload_answers_409_while_notes_are_coded(catalog: Catalog) -> None:
    gate, begun = threading.Event(), threading.Event()
    opened: list[FakeCoder] = []

    def open_coder() -> Coder:
        if opened:
            begun.set()
            assert gate.wait(5)
        opened.append(FakeCoder(catalog))
        return opened[-1]

    with running(open_coder) as client:
        client.wait_until_ready()
        first = client.begin("POST", "/admin/reload", json={})
        assert begun.wait(5)
        busy = reload(client)
        assert busy.status_code == 409
        assert (busy.json()["type"], int(busy.headers["Retry-After"])) == (
            "urn:icd-cascade:problem:reload-in-progress",
            5,
        )
        assert client.code(text="gout").status_code == 200
        gate.set()
        assert first.result(5).status_code == 200
        client.code(text="gout")
    assert [len(coder.options) for coder in opened] == [1, 1]


def test_note_in_flight_is_finished_by_the_pipeline_that_began_it(catalog: Catalog) -> None:
    old, new = FakeCoder(catalog), FakeCoder(catalog)
    coders = iter((old, new))
    with running(lambda: next(coders)) as client:
        client.wait_until_ready()
        old.gate.clear()
        in_flight = client.begin("POST", "/v1/code/batch", json={"notes": [{"text": "gout"}] * 2})
        eventually(lambda: client.app.state.service.batcher.load().running > 0)
        queued = client.begin("POST", "/v1/code", json={"text": "asthma"})
        eventually(lambda: samples(client)["icd_queue_tokens"][()] > 0)
        assert reload(client).status_code == 200
        after = client.begin("POST", "/v1/code", json={"text": "gout and asthma"})
        old.gate.set()
        assert [answer.result(5).status_code for answer in (in_flight, queued, after)] == [200, 200, 200]
    assert (len(old.options), len(new.options)) == (3, 1)


def test_log_of_a_refused_reload_names_type_and_place(deployed: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    with serving(deployed.settings) as client:
        reload(client, index=deployed.indexes["two"])
    [record] = [r for r in caplog.records if r.getMessage() == "reload refused"]
    assert json.dumps(record.__dict__["error"]) == '"ReloadRefused"'
