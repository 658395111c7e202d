"""Keys, sealing, rotation, and what a changed file leads to."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from app.backlog.assemble import keys_of
from app.backlog.batch import BatchState, Record
from app.backlog.batches import Batches, rewrap
from app.backlog.folder import FolderStore
from app.backlog.keys import MasterKeys, new_key
from app.backlog.sealing import new_data_key, open_lines, seal_lines
from app.backlog.settings import BacklogSettings
from app.errors import BacklogKeyError, DamagedShard
from tests.app.backlog.worlds import ME, World, eventually, note, notes, run

CANARY = "Kanarienvogel"


def test_shard_opens_at_its_place_with_its_key_only() -> None:
    key = new_data_key()
    sealed = seal_lines(key, [b"one", b"two"], "here")
    assert open_lines(key, sealed, "here") == [b"one", b"two"]
    assert b"one" not in sealed
    for other_key, content, place in (
        (new_data_key(), sealed, "here"),
        (key, sealed, "there"),
        (key, sealed[:-1], "here"),
        (key, b"", "here"),
        *((key, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], "here") for at in range(len(sealed))),
    ):
        with pytest.raises(DamagedShard):
            open_lines(other_key, content, place)


@pytest.mark.parametrize("text", ["", "c2hvcnQ=", "not base64!", new_key() + "\nc2hvcnQ="])
def test_key_that_is_none_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BacklogKeyError) as caught:
        MasterKeys.parse(text)
    assert not text or text not in caught.value.detail


def test_key_file_of_everyone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(new_key())
    path.chmod(0o644)
    with pytest.raises(BacklogKeyError, match="chmod"):
        MasterKeys.read(path)
    path.chmod(0o640)
    assert "MasterKeys(" in repr(MasterKeys.read(path))
    assert path.read_text() not in repr(MasterKeys.read(path))
    with pytest.raises(BacklogKeyError):
        MasterKeys.read(tmp_path / "missing")


def test_key_is_made_on_loopback_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = BacklogSettings(backlog_folder=tmp_path / "state")
    with pytest.raises(BacklogKeyError, match="ICD_CASCADE_BACKLOG_KEY_FILE"):
        keys_of(settings, loopback=False)
    with caplog.at_level(logging.WARNING):
        made = keys_of(settings, loopback=True)
    assert len(caplog.messages) == 1
    path = tmp_path / "state" / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys_of(settings, loopback=True).current == made.current
    assert keys_of(settings, loopback=False).current == made.current
    replicated = BacklogSettings(backlog_folder=tmp_path / "other", backlog_url="postgresql://x")
    with pytest.raises(BacklogKeyError):
        keys_of(replicated, loopback=True)
    with pytest.raises(BacklogKeyError, match="at most one"):
        keys_of(BacklogSettings(backlog_key=new_key(), backlog_key_file=path), loopback=True)
    assert (
        keys_of(BacklogSettings(backlog_key=f"{new_key()},{path.read_text()}"), loopback=True).current != made.current
    )


def test_record_that_was_changed_opens_nothing() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(8))
        await world.ended(batch)
        [name] = [name for name in world.store.names("batches/") if name.endswith("/record")]
        record = Record.decode(world.store.get(name) or b"")
        world.store.put(name, Record(**{f: getattr(record, f) for f in Record.__slots__} | {"shards": (4,)}).encode())
        with pytest.raises(DamagedShard):
            await world.backlog.show(ME, batch.id)
        world.store.put(name, b"{")
        with pytest.raises(DamagedShard):
            await world.backlog.show(ME, batch.id)
        await world.backlog.sweep()

    run(use)


def test_damaged_input_fails_its_lines_and_the_batch_and_no_others() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        blocking = await world.submit(*notes(8))
        batch = await world.submit(*notes(8))

        async def began() -> bool | None:
            return len(world.coder.begun) == 2 or None

        await eventually(began)
        name = next(n for n in world.store.names("batches/") if batch.id in n and n.endswith("input/00001"))
        world.store.put(name, (world.store.get(name) or b"")[:-3])
        world.coder.gate.set()
        await world.ended(blocking)
        ended = await world.ended(batch)
        assert (ended.state, ended.completed, ended.failed, ended.damaged) == (BatchState.FAILED, 4, 4, 1)
        results = await world.results(batch)
        assert [line["error"] and line["error"]["code"] for line in results] == [None] * 4 + ["damaged"] * 4
        assert world.registry.get_sample_value("icd_backlog_damaged_shards_total") == 1

    run(use)


def test_damaged_result_is_told_line_by_line() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(8))
        await world.ended(batch)
        first, second = [name for name in world.store.names("batches/") if "/result/" in name]
        world.store.put(first, world.store.get(second) or b"")  # sealed, but for another place
        results = await world.results(batch)
        assert [line["index"] for line in results] == list(range(8))
        assert [line["error"] and line["error"]["code"] for line in results] == ["damaged"] * 4 + [None] * 4

    run(use)


def test_rotated_key_opens_old_batches_and_rewrapped_ones_need_the_old_key_no_more() -> None:
    async def use(world: World) -> None:
        old, new = new_key(), new_key()
        world.keys = MasterKeys.parse(old)
        world.begin()
        batch = await world.submit(*notes(5), key="k")
        await world.ended(batch)
        both = MasterKeys.parse(f"{new}\n{old}")
        assert rewrap(world.store, both) == 2  # the batch, and the key of the digests
        assert rewrap(world.store, both) == 0
        world.keys = MasterKeys.parse(new)
        world.begin()
        assert (await world.submit(*notes(5), key="k")).id == batch.id
        assert len(await world.results(batch)) == 5
        with pytest.raises(BacklogKeyError, match="not among the configured"):
            Batches(world.store, MasterKeys.parse(old), world.limits)

    run(use)


def test_nothing_of_a_note_is_in_the_folder_or_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        await world.submit(note(CANARY, CANARY), f"{{{CANARY}".encode(), key=CANARY, caller=CANARY)
        running = grep(tmp_path)
        world.coder.gate.set()
        await world.backlog.sweep()
        assert running == grep(tmp_path) == []

    with caplog.at_level(logging.DEBUG):
        run(use, World(FolderStore(tmp_path)))
    assert CANARY not in caplog.text


def grep(folder: Path) -> list[Path]:
    """Files in whose name or content the canary is; there must be files."""
    while True:
        try:
            contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            break
        except FileNotFoundError:  # it was put in its place meanwhile: look at it there
            continue
    assert contents
    return [path for path, content in contents.items() if CANARY in path.name or CANARY.encode() in content]
