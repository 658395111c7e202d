from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.access.keyfile import changing, read_keys, write_keys
from app.access.keys import ApiKey, mint
from app.access.limits import CallerLimits
from app.access.scopes import Scope
from app.errors import KeysFileError

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def some_key(name: str = "ehr") -> ApiKey:
    limits = CallerLimits(concurrency=4, notes_per_minute=60)
    return mint(name, [Scope.CODE, Scope.BATCH], NOW, NOW + timedelta(days=90), limits)[0]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    keys = [some_key(), mint("admin", [Scope.ADMIN], NOW)[0]]
    write_keys(tmp_path / "keys.json", keys)
    assert list(read_keys(tmp_path / "keys.json").values()) == keys
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [some_key()])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [some_key()])
    path.chmod(mode)
    with pytest.raises(KeysFileError, match="chmod 600"):
        read_keys(path)


def test_file_that_others_may_read_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [some_key()])
    path.chmod(0o440)  # as secrets are mounted into containers
    assert len(read_keys(path)) == 1


def document(**changed: Any) -> dict[str, Any]:
    entry = {"id": "0" * 12, "name": "x", "scopes": ["code"], "created": "2026-11-21T00:00:00Z"}
    return {"version": 1, "keys": [entry | {"sha256": "ab" * 32} | changed]}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "not JSON"),
        ("[]", "version or keys"),
        ('{"version": 2, "keys": []}', "version is not 1"),
        ('{"version": 1}', "version or keys"),
        (json.dumps({"version": 1, "keys": [{}]}), "keys.0"),
        (json.dumps(document(id="../x")), "keys.0"),
        (json.dumps(document(sha256="icdc_SECRET")), "keys.0"),
        (json.dumps(document(scopes=["everything"])), "keys.0"),
        (json.dumps(document(expires="2026-11-21T00:00:00")), "keys.0"),
        (json.dumps(document(limits={"notes_per_minute": 0})), "keys.0"),
        (json.dumps(document(limits={"notes": 1})), "keys.0"),
        (json.dumps({"version": 1, "keys": document()["keys"] * 2}), "keys.1: another key"),
    ],
)
def test_broken_file_is_refused_by_name_and_place(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeysFileError, match="keys.json") as refused:
        read_keys(path)
    assert named in refused.value.detail
    assert "SECRET" not in refused.value.detail


def test_missing_file_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeysFileError, match="icd-cascade keys create"):
        read_keys(tmp_path / "keys.json")


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"

    def add(number: int) -> None:
        with changing(path) as keys:
            key = some_key(f"key {number}")
            keys[key.id] = key

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(16)))
    assert {key.name for key in read_keys(path).values()} == {f"key {number}" for number in range(16)}


def test_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, [some_key()])
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), changing(path) as keys:
        keys.clear()
        raise ZeroDivisionError
    assert path.read_bytes() == before
