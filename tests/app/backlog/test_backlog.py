"""What a batch goes through, over adapters in memory."""

from __future__ import annotations

from typing import Any

import pytest

from app.backlog.batch import BatchState
from app.backlog.batches import Batches
from app.backlog.limits import ABANDONED_SECONDS, GRAVE_SECONDS, BacklogLimits
from app.errors import BodyTooLarge, IdempotencyMismatch, InvalidField, NotReady, Overloaded, UnknownBatch
from tests.app.backlog.worlds import LIMITS, ME, World, eventually, note, notes, run


def test_every_line_is_answered_once_in_the_order_of_the_input() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(10))
        assert (batch.total, batch.completed) == (10, 0)
        ended = await world.ended(batch)
        assert (ended.state, ended.completed, ended.failed, ended.damaged) == (BatchState.COMPLETED, 10, 0, 0)
        results = await world.results(batch)
        assert [line["index"] for line in results] == list(range(10))
        assert [line["custom_id"] for line in results] == [f"n{place}" for place in range(10)]
        assert [line["response"]["body"]["text"] for line in results] == [f"note {place}" for place in range(10)]

    run(use)


def test_bad_lines_fail_alone() -> None:
    lines: list[bytes | dict[str, Any]] = [b"{", b"[1]", b'{"custom_id": 1, "body": {}}', b'{"custom_id": "x"}', b""]
    lines += [note("good"), b"\xff"]

    async def use(world: World) -> None:
        batch = await world.submit(*lines)
        ended = await world.ended(batch)
        assert (ended.state, ended.total, ended.completed, ended.failed) == (BatchState.COMPLETED, 6, 1, 5)
        assert [(line["custom_id"], line["response"]["status_code"]) for line in await world.results(batch)] == [
            (None, 400),
            (None, 400),
            (None, 400),
            ("x", 400),
            ("good", 200),
            (None, 400),
        ]

    run(use)


@pytest.mark.parametrize(
    ("lines", "error", "field"),
    [
        ([], InvalidField, "requests"),
        ([b" \n \n"], InvalidField, "requests"),
        ([note("a"), note("b"), note("a")], InvalidField, "requests.2.custom_id"),
        ([note("a"), note("b", "x" * 2_000)], BodyTooLarge, "requests.1"),
        ([note(str(place)) for place in range(1_001)], BodyTooLarge, "requests"),
        ([note(str(place), "x" * 1_500) for place in range(100)], BodyTooLarge, "body"),
    ],
)
def test_upload_beyond_a_limit_is_refused_whole(
    lines: list[bytes], error: type[InvalidField | BodyTooLarge], field: str
) -> None:
    async def use(world: World) -> None:
        with pytest.raises(error) as caught:
            await world.submit(*lines)
        assert [found.field for found in caught.value.fields] == [field]
        assert await world.backlog.listing(ME, 10, None) == ([], False)
        assert world.store.names("batches/") == world.store.names("index/") == []

    run(use)


def test_same_key_and_content_is_the_same_batch() -> None:
    async def use(world: World) -> None:
        first = await world.submit(*notes(5), key="k")
        second = await world.submit(*notes(5), key="k")
        assert first.id == second.id
        assert (await world.submit(*notes(5))).id != first.id
        assert (await world.submit(*notes(5), key="k", caller="other")).id != first.id
        with pytest.raises(IdempotencyMismatch):
            await world.submit(*notes(6), key="k")
        assert (await world.ended(first)).completed == 5
        assert len(await world.results(first)) == 5

    run(use)


def test_batch_of_another_caller_is_not_there() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(2))
        for ask in (world.backlog.show, world.backlog.results, world.backlog.cancel, world.backlog.delete):
            with pytest.raises(UnknownBatch):
                await ask("other", batch.id)
        assert await world.backlog.listing("other", 10, None) == ([], False)
        assert (await world.ended(batch)).state is BatchState.COMPLETED

    run(use)


def test_results_can_be_read_while_the_batch_runs() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(4))
        await world.ended(batch)
        world.coder.gate.clear()
        running = await world.submit(*notes(12))

        async def began() -> bool | None:
            return len(world.coder.begun) >= 3 or None

        await eventually(began)
        shown = await world.backlog.show(ME, running.id)
        assert (shown.state, shown.completed, await world.results(running)) == (BatchState.IN_PROGRESS, 0, [])
        world.coder.gate.set()
        await world.ended(running)
        assert len(await world.results(running)) == 12

    run(use)


def test_cancel_keeps_what_is_answered_and_names_the_rest() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(4))
        await world.ended(batch)
        assert (await world.backlog.cancel(ME, batch.id)).state is BatchState.COMPLETED
        world.coder.gate.clear()
        running = await world.submit(*notes(10))
        cancelled = await world.backlog.cancel(ME, running.id)
        assert (cancelled.state, cancelled.completed, cancelled.failed) == (BatchState.CANCELLED, 0, 10)
        results = await world.results(running)
        assert [line["custom_id"] for line in results] == [f"n{place}" for place in range(10)]
        assert {line["error"]["code"] for line in results} == {"batch_cancelled"}
        world.coder.gate.set()

    run(use)


def test_batch_that_never_begins_expires() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        blocking = [await world.submit(*notes(4)), await world.submit(*notes(4))]
        waiting = await world.submit(*notes(6))

        async def began() -> bool | None:
            return len(world.coder.begun) == 2 or None

        await eventually(began)
        world.now += LIMITS.start_seconds - 1
        await world.backlog.sweep()
        assert (await world.backlog.show(ME, waiting.id)).state is BatchState.IN_PROGRESS
        world.now += 2
        await world.backlog.sweep()
        expired = await world.backlog.show(ME, waiting.id)
        assert (expired.state, expired.failed) == (BatchState.EXPIRED, 6)
        assert {line["error"]["code"] for line in await world.results(waiting)} == {"batch_expired"}
        world.coder.gate.set()
        for batch in blocking:
            assert (await world.ended(batch)).state is BatchState.COMPLETED

    run(use)


def test_clock_set_back_loses_nothing() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(6))
        world.now -= 10 * 24 * 3600
        await world.backlog.sweep()
        assert (await world.ended(batch)).state is BatchState.COMPLETED
        await world.backlog.sweep()
        assert len(await world.results(batch)) == 6

    run(use)


def test_notes_go_with_the_end_and_results_with_the_retention() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*notes(6))
        ended = await world.ended(batch)

        async def closed() -> bool | None:
            return not [name for name in world.store.names("batches/") if "/input/" in name] or None

        await eventually(closed)
        world.now += LIMITS.retention_seconds - 1
        await world.backlog.sweep()
        assert ended.kept_until is not None
        assert len(await world.results(batch)) == 6
        world.now += 2
        await world.backlog.sweep()
        with pytest.raises(UnknownBatch):
            await world.backlog.show(ME, batch.id)
        assert world.store.names("batches/") == []
        world.now += GRAVE_SECONDS + 1
        await world.backlog.sweep()
        assert world.store.names("") == ["keys/digest"]

    run(use)


def test_deleted_batch_is_gone_at_once_also_while_it_runs() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        batch = await world.submit(*notes(10))

        async def began() -> bool | None:
            return len(world.coder.begun) == 2 or None

        await eventually(began)
        await world.backlog.delete(ME, batch.id)
        with pytest.raises(UnknownBatch):
            await world.backlog.show(ME, batch.id)
        world.coder.gate.set()
        again = await world.submit(*notes(3))
        await world.ended(again)
        world.now += GRAVE_SECONDS + 1
        await world.backlog.sweep()
        assert not [name for name in world.store.names("batches/") if batch.id in name]

    run(use)


def test_open_batches_of_a_caller_are_bounded() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        for _ in range(LIMITS.open_batches):
            await world.submit(note("a"))
        with pytest.raises(Overloaded):
            await world.submit(note("a"))
        await world.submit(note("a"), caller="other")
        world.coder.gate.set()

    run(use)


def test_stop_puts_back_what_is_in_work_and_the_next_process_ends_it() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        batch = await world.submit(*notes(10))

        async def began() -> bool | None:
            return len(world.coder.begun) == 2 or None

        await eventually(began)
        await world.backlog.stop(1.0)
        with pytest.raises(NotReady):
            await world.submit(note("a"))
        assert (await world.backlog.show(ME, batch.id)).state is BatchState.IN_PROGRESS
        assert not [name for name in world.store.names("batches/") if "/attempt/" in name]
        world.begin()
        world.coder.gate.set()
        assert (await world.ended(batch)).completed == 10
        assert [line["index"] for line in await world.results(batch)] == list(range(10))

    run(use)


def test_abandoned_upload_is_swept_away() -> None:
    async def use(world: World) -> None:
        await world.ended(await world.submit(note("a")))
        before = set(world.store.names(""))
        batches = Batches(world.store, world.keys, world.limits, lambda: world.now)  # a process that dies meanwhile
        intake = batches.begin("0" * 32, None)
        intake.upload.feed(b"\n".join(b"{}" for _ in range(9)))
        assert set(world.store.names("")) != before
        world.now += ABANDONED_SECONDS + 1
        await world.backlog.sweep()
        world.now += GRAVE_SECONDS + 1
        await world.backlog.sweep()
        assert set(world.store.names("")) == before

    run(use)


def test_pages_of_the_list_are_the_newest_first() -> None:
    async def use(world: World) -> None:
        made = []
        for _ in range(3):
            world.now += 1
            made.append((await world.submit(note("a"))).id)
        page, more = await world.backlog.listing(ME, 2, None)
        assert ([batch.id for batch in page], more) == ([made[2], made[1]], True)
        page, more = await world.backlog.listing(ME, 2, made[1])
        assert ([batch.id for batch in page], more) == ([made[0]], False)

    run(use)


def test_metrics_tell_of_batches_shards_and_notes() -> None:
    async def use(world: World) -> None:
        world.coder.gate.clear()
        batch = await world.submit(*notes(5), b"{")
        world.now += 30
        await world.backlog.sweep()
        sample = world.registry.get_sample_value
        assert sample("icd_backlog_batches", {"phase": "open"}) == 1
        assert sample("icd_backlog_oldest_shard_age_seconds") == 30
        assert (sample("icd_backlog_tokens") or 0) > 0
        world.coder.gate.set()
        await world.ended(batch)
        await world.backlog.sweep()
        assert sample("icd_backlog_shards_total") == 2
        assert sample("icd_backlog_notes_total", {"result": "completed"}) == 5
        assert sample("icd_backlog_notes_total", {"result": "failed"}) == 1
        assert sample("icd_backlog_batches_ended_total", {"state": "completed"}) == 1
        assert sample("icd_backlog_tokens") == 0

    run(use)


def test_shards_end_at_their_bytes_too() -> None:
    async def use(world: World) -> None:
        batch = await world.submit(*(note(str(place), "x" * 900) for place in range(4)))
        await world.ended(batch)
        assert world.registry.get_sample_value("icd_backlog_shards_total") == 2

    run(use, World(limits=BacklogLimits(shard_notes=64, shard_bytes=1_800)))
