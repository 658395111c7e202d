"""Master keys: read from a file or the environment, made on first use on loopback. They wrap the key of each batch.

A key is 32 random bytes in base64. The first of several is used for new batches, the others still open old ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag

from app.backlog.batch import Wrapped
from app.backlog.sealing import KEY_BYTES, open_sealed, seal
from app.errors import BacklogKeyError, DamagedShard

_ID_PURPOSE: Final = b"icd-cascade master key id\0"


class MasterKeys:
    """One or more keys; the first wraps."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise BacklogKeyError(f"A key of the backlog must be {KEY_BYTES} bytes in base64, one a line.")
        self._keys = {_id_of(key): key for key in keys}
        self.current = _id_of(keys[0])

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._keys)})"  # ids; the keys must not reach a log

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """Keys of a file or an environment variable, one a line or with commas. Raises BacklogKeyError."""
        try:
            return cls([base64.b64decode(word, validate=True) for word in text.replace(",", "\n").split()])
        except binascii.Error:
            raise BacklogKeyError("A key of the backlog is not base64.") from None

    @classmethod
    def read(cls, path: Path) -> MasterKeys:
        """Keys of a file that nobody but its owner and group can read. Raises BacklogKeyError, naming the file."""
        try:
            text = path.read_text(encoding="ascii")
            mode = path.stat().st_mode
        except (OSError, UnicodeDecodeError):
            raise BacklogKeyError(f"The key file {path} cannot be read.") from None
        if mode & 0o007:
            raise BacklogKeyError(f"The key file {path} can be read by anyone: chmod o-rwx.")
        return cls.parse(text)

    def wrap(self, data_key: bytes, bound: bytes) -> Wrapped:
        """Seal a data key, bound to a record."""
        return Wrapped(self.current, seal(self._keys[self.current], data_key, bound))

    def unwrap(self, wrapped: Wrapped, bound: bytes) -> bytes:
        """The data key. Raises BacklogKeyError without its master key, DamagedShard if the record was changed."""
        if wrapped.master not in self._keys:
            raise BacklogKeyError(
                f"The master key {wrapped.master} of a stored batch is not among the configured ones."
            )
        try:
            return open_sealed(self._keys[wrapped.master], wrapped.sealed, bound)
        except InvalidTag:
            raise DamagedShard("The record of a batch was changed after it was written.") from None

    def rewrap(self, wrapped: Wrapped, bound: bytes) -> Wrapped:
        """The same data key, sealed by the current key."""
        return self.wrap(self.unwrap(wrapped, bound), bound)


def new_key() -> str:
    """A random key as it stands in a file."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def write_new_key(path: Path) -> None:
    """Make a key file that only its owner can read; does nothing if there is one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was quicker; its key counts
    finally:
        temporary.unlink()


def _id_of(key: bytes) -> str:
    return hashlib.sha256(_ID_PURPOSE + key).hexdigest()[:16]
