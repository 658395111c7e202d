"""Asks a running service for codes and keeps the time. Needs httpx (extra [soak])."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx

from app.pipeline.note import Note
from app.serving.work import estimate_tokens
from app.soak.answers import OK, Answer, comparable


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

    async def resident_bytes(self) -> float | None:
        """Memory of the service as it reports it; None where it does not."""
        try:
            text = (await self._http.get("/metrics")).text
        except httpx.HTTPError:
            return None
        lines = (line for line in text.splitlines() if line.startswith("process_resident_memory_bytes "))
        return next((float(line.split()[1]) for line in lines), None)

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
