from __future__ import annotations

from pathlib import Path

import pytest

from app.access.keyfile import read_keys
from app.access.keyring import Keyring
from app.cli.main import main


def test_key_is_created_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "keys.json"
    file = ["keys", "--file", str(path)]
    limits = ["--notes-per-minute", "60", "--concurrency", "4"]
    assert main([*file, "create", "ehr gateway", "--scopes", "code,batch", "--expires", "90d", *limits]) == 0
    text = capsys.readouterr().out.strip()
    entry = Keyring(path).find(text)
    assert entry is not None
    assert {str(scope) for scope in entry.scopes} == {"code", "batch"}
    assert (entry.limits.notes_per_minute, entry.limits.concurrency) == (60, 4)
    assert main([*file, "list"]) == 0
    listed = capsys.readouterr().out
    assert entry.id in listed and "ehr gateway" in listed and "valid until" in listed
    assert text.split("_", 2)[2] not in listed + path.read_text()
    assert main([*file, "revoke", entry.id]) == 0
    assert Keyring(path).find(text) is None
    assert read_keys(path)[entry.id].revoked is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "x", "--scopes", "root"],
        ["create", "x", "--scopes", ""],
        ["create", "x", "--scopes", "code", "--expires", "soon"],
        ["create", "x", "--scopes", "code", "--notes-per-minute", "0"],
        ["revoke", "0123456789ab"],
        ["list"],
    ],
)
def test_what_cannot_be_done_is_said_and_makes_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["keys", "--file", str(tmp_path / "keys.json"), *arguments]) == 1
    assert capsys.readouterr().err.startswith("icd-cascade: ")
    assert list(tmp_path.iterdir()) == []
