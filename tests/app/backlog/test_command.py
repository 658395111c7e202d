from __future__ import annotations

from pathlib import Path

import pytest

from app.backlog.batches import Batches
from app.backlog.folder import FolderStore
from app.backlog.keys import MasterKeys
from app.backlog.limits import BacklogLimits
from app.cli.main import main


def test_key_is_made_rotated_and_the_old_one_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def key() -> str:
        assert main(["backlog", "new-key"]) == 0
        return capsys.readouterr().out.strip()

    folder, old, new = str(tmp_path / "state"), key(), key()
    batches = Batches(FolderStore(tmp_path / "state"), MasterKeys.parse(old), BacklogLimits())
    intake = batches.begin("0" * 32, None)
    intake.upload.feed(b'{"custom_id": "a", "body": {}}')
    batch, _ = batches.commit(intake)
    monkeypatch.setenv("ICD_CASCADE_BACKLOG_KEY", f"{new},{old}")
    assert main(["backlog", "rotate-key", "--backlog-folder", folder]) == 0
    assert capsys.readouterr().out.startswith("2 keys wrapped with master key ")
    rotated = Batches(FolderStore(tmp_path / "state"), MasterKeys.parse(new), BacklogLimits())
    assert rotated.find("0" * 32, batch.record.key.batch).read_input(0) == [b'{"custom_id": "a", "body": {}}']
    assert main(["backlog", "status", "--backlog-folder", folder]) == 0
    assert "open       1\n" in capsys.readouterr().out


def test_wrong_keys_are_one_line_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICD_CASCADE_BACKLOG_KEY", "nonsense")
    assert main(["backlog", "rotate-key", "--backlog-folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("icd-cascade: A key of the backlog")
