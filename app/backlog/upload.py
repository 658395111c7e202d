"""An upload on its way to the store: cut into lines, checked for size and double ids, sealed in shards.

Neither the disk nor the database sees a line before it is sealed; in memory there is one shard at most.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from app.backlog.archive import Shards
from app.backlog.limits import BacklogLimits
from app.backlog.lines import LineSplitter, read_line
from app.errors import BodyTooLarge, FieldError, InvalidField
from app.serving.work import CHARACTERS_PER_TOKEN


class Upload:
    """One upload. Blocking; one thread at a time. digest_key: of the keyed hash over all bytes."""

    def __init__(self, shards: Shards, limits: BacklogLimits, digest_key: bytes) -> None:
        self._to = shards
        self._limits = limits
        self._splitter = LineSplitter(limits.line_bytes)
        self._digest = hmac.new(digest_key, digestmod=hashlib.sha256)
        self._bytes = 0
        self._ids: set[bytes] = set()
        self._lines: list[bytes] = []
        self._size = 0
        self._seen = 0
        self.shards: list[int] = []
        self.tokens: list[int] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of ndjson. Raises BodyTooLarge, or InvalidField for a custom_id that came before."""
        self._bytes += len(chunk)
        if self._bytes > self._limits.bytes:
            message = f"A batch may have at most {self._limits.bytes:,} bytes."
            raise BodyTooLarge(message, FieldError("body", message, self._limits.bytes))
        self._digest.update(chunk)
        self._add(self._splitter.feed(chunk))

    def finish(self) -> str:
        """Take the last line and keep the last shard; returns the digest. Raises InvalidField for an empty batch."""
        self._add(self._splitter.finish())
        self._flush()
        if not self.shards:
            raise InvalidField(
                "1 field breaks the contract.", FieldError("requests", "Must have at least 1 entries.", 1)
            )
        return self._digest.hexdigest()

    def _add(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._check(line)
            self._lines.append(line)
            self._size += len(line)
            if len(self._lines) >= self._limits.shard_notes or self._size >= self._limits.shard_bytes:
                self._flush()

    def _check(self, line: bytes) -> None:
        index, self._seen = self._seen, self._seen + 1
        if self._seen > self._limits.notes:
            message = f"A batch may have at most {self._limits.notes:,} lines."
            raise BodyTooLarge(message, FieldError("requests", message, self._limits.notes))
        custom_id = read_line(line).custom_id
        if custom_id is None:
            return  # the line is answered with its fault
        known = hashlib.blake2b(custom_id.encode(), digest_size=16).digest()
        if known in self._ids:
            message = "Must not be the custom_id of an earlier line."
            raise InvalidField("1 field breaks the contract.", FieldError(f"requests.{index}.custom_id", message))
        self._ids.add(known)

    def _flush(self) -> None:
        if not self._lines:
            return
        self._to.write_input(len(self.shards), self._lines)
        self.shards.append(len(self._lines))
        self.tokens.append(-(-self._size // CHARACTERS_PER_TOKEN))
        self._lines, self._size = [], 0
