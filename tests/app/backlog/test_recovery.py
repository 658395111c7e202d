"""What is found and mended: dead replicas, a lost queue, a store that is away for a while, a coder that breaks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.backlog.archive import Archive
from app.backlog.batch import BatchKey, BatchState
from app.backlog.replicas import Replicas
from app.backlog.store import MemoryStore
from app.errors import BacklogUnavailable
from tests.app.backlog.worlds import ME, EchoCoder, World, eventually, notes, run


def test_replica_is_dead_after_a_minute_of_silence_on_the_clock_of_the_watcher() -> None:
    now = [0.0]
    store = MemoryStore()
    one, two = (Replicas(store, clock=lambda: now[0]) for _ in range(2))
    one.beat()
    two.beat()
    assert one.dead({one.own, two.own, "unheard"}) == set()
    now[0] = 59.0
    two.beat()
    assert one.dead({one.own, two.own, "unheard"}) == set()
    now[0] = 61.0
    assert one.dead({one.own, two.own, "unheard"}) == {"unheard"}
    now[0] = 120.0
    assert one.dead({one.own, two.own}) == {two.own}


def test_lost_queue_is_refilled_from_the_store() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        batch = await world.submit(*notes(16))

        async def began() -> bool | None:
            return len(world.coder.begun) == 2 or None

        await eventually(began)
        abandoned = world.backlog
        world.begin()  # as after a kill: another queue, empty
        world.coder.gate.set()
        assert (await world.ended(batch)).completed == 16
        await abandoned.close()
        assert [line["index"] for line in await world.results(batch)] == list(range(16))

    run(use)


class FailingStore(MemoryStore):
    """Refuses so many writes of results."""

    refused = 2

    def put_new(self, name: str, content: bytes) -> bool:
        if "/result/" in name and self.refused:
            self.refused -= 1
            raise BacklogUnavailable("away")
        return super().put_new(name, content)


def test_store_that_is_away_is_waited_for() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(3))
        assert (await world.ended(batch)).state is BatchState.COMPLETED
        assert world.registry.get_sample_value("icd_backlog_faults_total") == 2
        assert len(await world.results(batch)) == 3

    run(use, World(FailingStore()))


class BrokenCoder(EchoCoder):
    """Breaks on the first shard."""

    async def answer(self, key: BatchKey, first: int, lines: Sequence[bytes]) -> list[bytes]:
        if first == 0:
            raise ZeroDivisionError
        return await super().answer(key, first, lines)


def test_shard_that_breaks_the_coder_is_given_up_alone() -> None:
    async def use(world: World) -> None:
        world.coder = BrokenCoder()
        world.begin()
        batch = await world.submit(*notes(8))
        ended = await world.ended(batch)
        assert (ended.state, ended.completed, ended.failed) == (BatchState.COMPLETED, 4, 4)
        assert [line["error"] and line["error"]["code"] for line in await world.results(batch)] == ["internal"] * 4 + [
            None
        ] * 4

    run(use)


def test_answers_without_their_count_are_counted_after_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(archive: Archive, shard: int, damaged: bool = False) -> None:
        raise BacklogUnavailable("killed between answers and count")

    async def use(world: World) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Archive, "restore_tally", crash)
            batch = await world.submit(*notes(4))

            async def answered() -> bool | None:
                return any("/result/" in name for name in world.store.names("batches/")) or None

            await eventually(answered)
            await world.backlog.stop()
        assert (await world.backlog.show(ME, batch.id)).completed == 0
        world.begin()
        assert (await world.ended(batch)).completed == 4

    run(use)
