from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from app.cli.main import main
from app.cli.options import settings_of
from app.cli.serve import build_missing, misfit
from app.errors import InvalidField, NotLoaded
from app.pipeline.holding import Holding
from app.settings import Settings
from index_builder.build import build
from index_builder.codesets.inputs import packaged_inputs
from index_builder.codesets.protocol import FormSource, SurfaceForm
from index_builder.manifest import read_manifest
from index_builder.publish import current, point, restate
from model.backends import open_encoder
from model.checkpoint import write_manifest
from model.encoder import Encoder
from tests.app.live import TinyCodeSet, deploy

ROOT = Path(__file__).parents[3]


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.app.cli.slow_service", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_sigterm_answers_what_is_in_flight_and_exits_0(tmp_path: Path) -> None:
    with start(tmp_path) as process, ThreadPoolExecutor() as threads:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        future = threads.submit(httpx.post, f"{url}/v1/code", json={"text": "gout"}, timeout=60)
        assert process.stderr.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert future.result().status_code == 200
        assert process.wait(60) == 0


def test_service_that_cannot_load_exits_1(tmp_path: Path) -> None:
    with start(tmp_path / "missing") as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_remote_address_is_refused_without_keys(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", host]) == 2
    assert "--keys" in capsys.readouterr().err


def test_keys_that_cannot_be_read_are_refused_also_on_loopback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--keys", str(tmp_path / "keys.json")]) == 2
    assert "keys.json: missing" in capsys.readouterr().err


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICD_CASCADE_PORT", "9000")
    monkeypatch.setenv("ICD_CASCADE_HOST", "::1")
    settings = settings_of(argparse.Namespace(port=9001, host=None, note="ignored"))
    assert (settings.port, settings.host) == (9001, "::1")
    with pytest.raises(InvalidField):
        settings_of(argparse.Namespace(port=70_000))


def test_code_sets_are_named_by_flags_and_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICD_CASCADE_ALSO", "icd-10-pcs, icd-10-cm@2025-10")
    named = settings_of(argparse.Namespace(also=None)).holdings
    assert named == (Holding("icd-10-cm"), Holding("icd-10-pcs"), Holding("icd-10-cm", "2025-10"))
    assert settings_of(argparse.Namespace(also=["icd-9-cm"])).holdings[1:] == (Holding("icd-9-cm"),)
    for wrong in ("../etc", "icd-10-cm@", "icd-10-cm@../x", "ICD"):
        with pytest.raises(InvalidField, match="settings"):
            settings_of(argparse.Namespace(also=[wrong]))


def test_a_code_set_that_needs_its_files_is_not_built_on_the_way(tmp_path: Path) -> None:
    with pytest.raises(NotLoaded, match="icd-cascade build --code-set icd-10-pcs --source"):
        build_missing(Settings(artifacts=tmp_path, code_set="icd-10-pcs"))


def test_index_that_was_never_built_is_missing(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "cascade.json").write_text("{}")
    write_manifest(checkpoint)
    assert misfit(Settings(artifacts=tmp_path, model=checkpoint)) == "There is no index yet."


def inputs_of(settings: Settings, inputs: str | None) -> None:
    """Make the current index say that it was built from these inputs."""
    folder = current(settings.artifacts / settings.code_set)
    restate(folder, replace(read_manifest(folder), inputs=inputs))


def test_index_of_changed_tables_or_of_another_model_does_not_fit(tmp_path: Path) -> None:
    deployment = deploy(tmp_path)
    settings = deployment.settings
    assert misfit(settings) is None  # it does not say what it was built from
    inputs_of(settings, packaged_inputs())
    assert misfit(settings) is None
    inputs_of(settings, "of other tables")
    assert "have changed" in str(misfit(settings))
    inputs_of(settings, packaged_inputs())
    point(deployment.root, deployment.indexes["two"])
    assert misfit(settings) == "The index was built by another model."


def test_changed_tables_are_built_with_the_widths_that_were_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Changed(TinyCodeSet):
        def inputs(self) -> str:
            return packaged_inputs()

        def forms(self) -> Iterator[SurfaceForm]:
            yield from super().forms()
            yield SurfaceForm("I10", "pressure too high", FormSource.CLINICIAN)

    settings = deploy(tmp_path).settings
    encoder = open_encoder(settings.model, settings.backend)
    build(TinyCodeSet(), encoder, settings.artifacts, builder_version="test", prefixes=(32, 64), keep=256)
    inputs_of(settings, "of other tables")
    stood = current(settings.artifacts / settings.code_set)
    monkeypatch.setattr("index_builder.codesets.sources.open_code_set", lambda _name: Changed())
    assert build_missing(settings)
    assert "have changed" in capsys.readouterr().err
    built = current(settings.artifacts / settings.code_set)
    manifest = read_manifest(built)
    assert built != stood
    assert (manifest.prefixes, manifest.dimensions, manifest.inputs) == ((32, 64), 256, packaged_inputs())
    assert not build_missing(settings)


@pytest.mark.parametrize(("serving", "building"), [("auto", "onnx"), ("onnx-int8", "onnx"), ("onnx", "onnx")])
def test_an_index_is_built_in_float32_whatever_reads_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serving: str, building: str
) -> None:
    opened = list[str]()

    def listened(path: Path | None, backend: str) -> Encoder:
        opened.append(backend)
        return open_encoder(path, backend)

    settings = deploy(tmp_path).settings.model_copy(update={"backend": serving})
    inputs_of(settings, "of other tables")
    monkeypatch.setattr("index_builder.codesets.sources.open_code_set", lambda _name: TinyCodeSet())
    monkeypatch.setattr("model.backends.open_encoder", listened)
    monkeypatch.setattr("app.cli.serve.misfit", Mock(side_effect=["changed.", None]))
    assert build_missing(settings)
    assert opened[0] == building


def test_service_that_had_to_build_begins_anew_in_the_same_process(tmp_path: Path) -> None:
    settings = deploy(tmp_path).settings
    flags = ["--artifacts", str(tmp_path / "new"), "--model", str(settings.model), "--backlog-folder", str(tmp_path)]
    command = [sys.executable, "-m", "tests.app.cli.lean_service", "serve", "--port", "0", "--build-missing", *flags]
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/readyz").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    said = (tmp_path / "log").read_text().splitlines()
    assert said.count("opened") == 2
    assert said.count("icd-cascade: There is no index yet. Building it.") == 1
