from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from app.access.issuer import FRESH_SECONDS, PAUSE_SECONDS, USABLE_SECONDS, Issuer
from app.access.tokens import ALGORITHMS
from app.errors import AccessUnavailable
from tests.app.access.signing import key_set, public_jwk


class Place:
    """Where an issuer publishes its keys, and the clock."""

    def __init__(self) -> None:
        self.kids = ["one"]
        self.asked = 0
        self.down = False
        self.seconds = 1000.0
        self.gate = threading.Event()
        self.gate.set()

    def read(self) -> bytes:
        self.gate.wait(5)
        self.asked += 1
        if self.down:
            raise OSError("secret-host.example: no route")
        return key_set(*(public_jwk("EdDSA", kid=kid) for kid in self.kids))

    def issuer(self) -> Issuer:
        return Issuer(self.read, ALGORITHMS, lambda: self.seconds)


@pytest.fixture
def place() -> Place:
    return Place()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_keys_are_read_once_for_many_tokens(place: Place) -> None:
    async def scenario() -> None:
        issuer = place.issuer()
        found = await asyncio.gather(*(issuer.key("one") for _ in range(20)))
        assert all(found)
        assert place.asked == 1

    run(scenario())


def test_unknown_key_is_asked_for_but_not_more_often_than_the_pause(place: Place) -> None:
    async def scenario() -> None:
        issuer = place.issuer()
        await issuer.key("one")
        place.kids.append("two")
        assert await issuer.key("two") is None
        for number in range(100):
            assert await issuer.key(f"made up {number}") is None
        assert place.asked == 1
        place.seconds += PAUSE_SECONDS
        assert await issuer.key("two") is not None
        assert place.asked == 2

    run(scenario())


def test_key_that_the_issuer_withdraws_is_forgotten(place: Place) -> None:
    async def scenario() -> None:
        issuer = place.issuer()
        await issuer.key("one")
        place.kids = ["two"]
        place.seconds += FRESH_SECONDS
        assert await issuer.key("one") is not None  # answered at once, while the keys are read again
        while place.asked < 2 or await issuer.key("one") is not None:
            await asyncio.sleep(0.001)
        assert await issuer.key("two") is not None

    run(scenario())


def test_known_keys_do_not_wait_for_a_slow_issuer(place: Place) -> None:
    async def scenario() -> None:
        issuer = place.issuer()
        await issuer.key("one")
        place.seconds += FRESH_SECONDS
        place.gate.clear()
        for _ in range(3):
            assert await asyncio.wait_for(issuer.key("one"), 1) is not None
        place.gate.set()

    run(scenario())


def test_keys_outlive_an_issuer_that_is_down_for_an_hour_and_no_longer(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        issuer = place.issuer()
        await issuer.key("one")
        place.down = True
        place.seconds += USABLE_SECONDS - 1
        assert await issuer.key("one") is not None
        place.seconds += PAUSE_SECONDS
        with pytest.raises(AccessUnavailable):
            await issuer.key("one")
        place.down = False
        place.seconds += PAUSE_SECONDS
        assert await issuer.key("one") is not None

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert "keys of the token issuer not read" in caplog.messages
    assert "secret-host" not in caplog.text


def test_issuer_that_was_never_reached_is_asked_again_after_the_pause(place: Place) -> None:
    async def scenario() -> None:
        place.down = True
        issuer = place.issuer()
        for _ in range(10):
            with pytest.raises(AccessUnavailable):
                await issuer.key("one")
        assert place.asked == 1
        place.down = False
        place.seconds += PAUSE_SECONDS
        assert await issuer.key("one") is not None

    run(scenario())
