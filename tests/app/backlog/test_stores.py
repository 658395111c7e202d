"""What every store promises, and what is special about the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.backlog.folder import FolderStore
from app.backlog.postgres import PostgresStore, driver_url
from app.backlog.store import MemoryStore, Store
from app.errors import BacklogUnavailable
from tests.app.backlog.databases import database


@pytest.fixture(params=["memory", "folder", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgres":
        with database() as url:
            opened = PostgresStore(url)
            yield opened
            opened.close()
    else:
        yield MemoryStore() if request.param == "memory" else FolderStore(tmp_path / "state" / "backlog")


def test_blob_is_written_read_replaced_and_removed(store: Store) -> None:
    assert store.get("a/b") is None
    store.put("a/b", b"\0one")
    assert store.get("a/b") == b"\0one"
    store.put("a/b", b"")
    assert store.get("a/b") == b""
    store.delete("a/b")
    store.delete("a/b")
    assert store.get("a/b") is None


def test_first_writer_wins_whoever_else_tries(store: Store) -> None:
    contents = [f"{place}".encode() for place in range(8)]
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda content: store.put_new("a/once", content), contents))
    assert won.count(True) == 1
    assert store.get("a/once") == contents[won.index(True)]
    assert store.put_new("a/once", b"later") is False


def test_names_below_a_prefix_are_listed_in_order_and_removed_together(store: Store) -> None:
    for name in ("a/b/2", "a/b/10", "a/bc", "a/b.x.1", "b/1"):
        store.put(name, name.encode())
    assert store.names("a/b/") == ["a/b/10", "a/b/2"]
    assert store.names("a/b") == ["a/b.x.1", "a/b/10", "a/b/2", "a/bc"]
    assert store.contents("a/b.") == {"a/b.x.1": b"a/b.x.1"}
    assert store.names("c/") == []
    store.delete("a/b/")
    store.delete("c/")
    assert store.names("a/") == ["a/b.x.1", "a/bc"]


def test_only_the_owner_reads_the_folder_and_nothing_temporary_stays(tmp_path: Path) -> None:
    folder = tmp_path / "backlog"
    store = FolderStore(folder)
    store.put("a", b"1")
    store.put_new("a", b"2")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_folder_is_removed_while_others_write_and_remove_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard is written between the look into the folder and its removal; files that were seen are gone."""
    store, late = FolderStore(tmp_path), ["b/2", "b/3"]
    store.put("b/1", b"1")
    remove, unlink = os.rmdir, os.unlink

    def rmdir(place: str) -> None:
        if late:
            store.put(late.pop(), b"late")
        remove(place)

    def gone(path: str) -> None:
        unlink(path)
        if path.endswith("1"):
            unlink(path)  # another one was quicker

    monkeypatch.setattr("os.rmdir", rmdir)
    monkeypatch.setattr("app.backlog.folder.os.unlink", gone)
    store.delete("b/")
    assert not late and store.names("") == [] and not (tmp_path / "b").exists()


def test_full_or_missing_disk_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.put("a", b"1")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for write in (store.put, store.put_new):
        with pytest.raises(BacklogUnavailable):
            write("a", b"2")
    assert store.get("a") == b"1"
    assert store.names("") == ["a"]


def test_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(BacklogUnavailable):
        PostgresStore("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(BacklogUnavailable, match="postgresql://"):
        driver_url("mysql://x")
