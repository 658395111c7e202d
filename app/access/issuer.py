"""The keys of a token issuer as a running service holds them: kept for minutes, asked for anew when one is unknown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from jwt import PyJWK

from app.access.jwks import Source, parse_key_set
from app.errors import AccessUnavailable
from app.serving.logs import log_failure

FRESH_SECONDS: Final = 300.0  # then they are asked for anew, while the old ones serve on
USABLE_SECONDS: Final = 3600.0  # then the old ones are not trusted any longer: one of them may have been withdrawn
PAUSE_SECONDS: Final = 30.0  # between two questions, whoever causes them


class Issuer:
    """Finds the key that a token names. Lives on one event loop; reads the source in a thread."""

    def __init__(
        self, source: Source, algorithms: tuple[str, ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._algorithms = algorithms
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._read: float | None = None
        self._asked: float | None = None
        self._asking = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> PyJWK | None:
        """The key of this id, or None if the issuer has none.

        Raises AccessUnavailable if the issuer has not said for an hour, or ever, which keys it has.
        """
        if kid not in self._keys or not self._younger_than(USABLE_SECONDS):
            await self._renew()
        elif not self._younger_than(FRESH_SECONDS):
            self._renew_meanwhile()
        if not self._younger_than(USABLE_SECONDS):
            raise AccessUnavailable("The keys of the token issuer cannot be read.")
        return self._keys.get(kid)

    def _younger_than(self, seconds: float) -> bool:
        return self._read is not None and self._clock() - self._read < seconds

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock() - self._asked >= PAUSE_SECONDS

    def _renew_meanwhile(self) -> None:
        if self._may_ask() and (self._renewal is None or self._renewal.done()):
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        async with self._asking:  # whoever waited for another's question finds that it need not ask
            if not self._may_ask():
                return
            self._asked = self._clock()
            try:
                content = await asyncio.to_thread(self._source)
                self._keys = parse_key_set(content, self._algorithms)
            except Exception as error:
                log_failure("keys of the token issuer not read", error)
                return
            self._read = self._clock()
