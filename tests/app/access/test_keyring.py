from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.access.keyfile import write_keys
from app.access.keyring import Keyring
from app.access.keys import mint
from app.access.scopes import Scope
from app.errors import KeysFileError

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Clocks:
    """Both clocks of a keyring, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def opened(path: Path, clocks: Clocks) -> Keyring:
    return Keyring(path, clocks.now, clocks.monotonic)


def test_valid_key_is_found_until_it_expires(path: Path, clocks: Clocks) -> None:
    key, text = mint("ehr", [Scope.CODE], NOW, NOW + timedelta(seconds=60))
    write_keys(path, [key])
    keyring = opened(path, clocks)
    assert keyring.find(text) == key
    assert keyring.find(text + "x") is None
    assert keyring.find("") is None
    clocks.seconds = 60
    assert keyring.find(text) is None
    assert not keyring.has_valid()


def test_revocation_counts_within_a_second_and_without_a_signal(path: Path, clocks: Clocks) -> None:
    key, text = mint("ehr", [Scope.CODE], NOW)
    write_keys(path, [key])
    keyring = opened(path, clocks)
    write_keys(path, [replace(key, revoked=NOW)])
    clocks.seconds = 1.0
    assert keyring.find(text) is None


def test_reload_does_not_wait(path: Path, clocks: Clocks) -> None:
    write_keys(path, [])
    keyring = opened(path, clocks)
    key, text = mint("ehr", [Scope.CODE], NOW)
    write_keys(path, [key])
    assert keyring.find(text) is None
    assert keyring.reload()
    assert keyring.find(text) == key


@pytest.mark.parametrize("damage", ["broken", "missing", "open to others"])
def test_damaged_file_leaves_the_old_keys_and_says_so_once(
    path: Path, clocks: Clocks, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    key, text = mint("ehr", [Scope.CODE], NOW)
    write_keys(path, [key])
    keyring = opened(path, clocks)
    if damage == "missing":
        path.unlink()
    else:
        path.write_text("{")
        path.chmod(0o666 if damage == "open to others" else 0o600)
    with caplog.at_level(logging.ERROR):
        for clocks.seconds in (1.0, 2.0, 3.0):
            assert keyring.find(text) == key
    assert [record.message for record in caplog.records] == ["keys not read again"]
    other, other_text = mint("ehr", [Scope.CODE], NOW)
    write_keys(path, [other])
    clocks.seconds = 4.0
    assert (keyring.find(text), keyring.find(other_text)) == (None, other)


def test_keyring_is_not_opened_without_a_file(path: Path, clocks: Clocks) -> None:
    with pytest.raises(KeysFileError):
        opened(path, clocks)
