from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.cli.main import main
from app.cli.options import settings_of
from app.cli.serve import build_missing, is_built
from app.errors import InvalidField, NotLoaded
from app.pipeline.holding import Holding
from app.settings import Settings
from model.checkpoint import write_manifest

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
    assert not is_built(Settings(artifacts=tmp_path, model=checkpoint))
