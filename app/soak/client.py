"""Asks a running service for codes and keeps the time. Needs httpx (extra [soak])."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from app.pipeline.note import Note
from app.serving.work import estimate_tokens
from app.soak.answers import OK, Answer, comparable

_POLL_SECONDS: Final = 0.2
_NOT_ALLOWED: Final = (401, 403)


class SoakClient:
    """A note alone is the measure for the same note under load: `learn` before anything else."""

    def __init__(self, http: httpx.AsyncClient, notes: Sequence[Note]) -> None:
        self._http = http
        self._bodies = [{"documents": [{"text": document.text} for document in note.documents]} for note in notes]
        self._tokens = [estimate_tokens(note) for note in notes]
        self._expected: list[dict[str, Any]] = []

    @property
    def mean_tokens(self) -> float:
        """Tokens of a note."""
        return sum(self._tokens) / len(self._tokens)

    async def learn(self) -> None:
        """Ask for every note alone. Raises httpx.HTTPStatusError if one is not answered."""
        for body in self._bodies:
            response = (await self._http.post("/v1/code", json=body)).raise_for_status()
            self._expected.append(comparable(response.json()))

    async def single(self, number: int) -> Answer:
        """One note, by its number modulo the notes there are."""
        at = number % len(self._bodies)
        return await self._ask("/v1/code", self._bodies[at], [at])

    async def batch(self, number: int, size: int) -> Answer:
        """A batch of notes, from that number on."""
        chosen = [(number + offset) % len(self._bodies) for offset in range(size)]
        return await self._ask("/v1/code/batch", {"notes": [self._bodies[at] for at in chosen]}, chosen)

    @asynccontextmanager
    async def backlog(self, notes: int) -> AsyncIterator[Backlog]:
        """A durable batch of so many notes, begun; it is cancelled and deleted at the end.

        Raises httpx.HTTPStatusError if the service does not take it.
        """
        lines = (json.dumps({"custom_id": str(n), "body": self._bodies[n % len(self._bodies)]}) for n in range(notes))
        headers = {"Content-Type": "application/x-ndjson"}
        taken = await self._http.post("/v1/batches", content="\n".join(lines).encode(), headers=headers)
        batch = Backlog(self._http, f"/v1/batches/{taken.raise_for_status().json()['id']}")
        try:
            while (await batch.state())["status"] == "validating":
                await asyncio.sleep(_POLL_SECONDS)
            yield batch
        finally:
            await batch.end()

    async def resident_bytes(self) -> float | None:
        """Memory of the service as it reports it; None where it does not."""
        try:
            text = (await self._http.get("/metrics")).text
        except httpx.HTTPError:
            return None
        lines = (line for line in text.splitlines() if line.startswith("process_resident_memory_bytes "))
        return next((float(line.split()[1]) for line in lines), None)

    async def reload(self) -> float | None:
        """Have model and index opened anew; the seconds that took by the service's clock, None without the right to.

        Raises httpx.HTTPStatusError if the service refuses for another reason.
        """
        response = await self._http.post("/admin/reload", json={})
        if response.status_code in _NOT_ALLOWED:
            return None
        return float(response.raise_for_status().json()["seconds"])

    async def _ask(self, path: str, body: dict[str, Any], chosen: Sequence[int]) -> Answer:
        tokens, begin = sum(self._tokens[at] for at in chosen), time.perf_counter()
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError:
            return Answer(0, tokens, begin, time.perf_counter() - begin)
        seconds = time.perf_counter() - begin
        retry = response.headers.get("Retry-After", "").isdecimal()
        same = response.status_code != OK or self._is_expected(response.json(), chosen)
        return Answer(response.status_code, tokens, begin, seconds, same, retry)

    def _is_expected(self, body: dict[str, Any], chosen: Sequence[int]) -> bool:
        results = [item.get("result") or {} for item in body["results"]] if "results" in body else [body]
        return [comparable(result) for result in results] == [self._expected[at] for at in chosen]


class Backlog:
    """A durable batch of the service, by its location."""

    def __init__(self, http: httpx.AsyncClient, location: str) -> None:
        self._http = http
        self._location = location

    async def state(self) -> dict[str, Any]:
        """Status and counts as the service tells them."""
        found: dict[str, Any] = (await self._http.get(self._location)).raise_for_status().json()
        return found

    async def runs(self) -> bool:
        """Whether it has notes that are not answered yet."""
        return (await self.state())["status"] in ("validating", "in_progress")

    async def end(self) -> None:
        """Cancel it, wait until nothing of it runs, delete it."""
        await self._http.post(f"{self._location}/cancel")
        while (await self.state())["status"] in ("validating", "in_progress", "cancelling", "finalizing"):
            await asyncio.sleep(_POLL_SECONDS)
        (await self._http.delete(self._location)).raise_for_status()
