"""Authenticated encryption of what is stored: AES-256-GCM (NIST SP 800-38D) with a random nonce for every blob.

A data key seals the few thousand shards of one batch, far below the 2^32 messages that random nonces allow.
"""

from __future__ import annotations

import os
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import DamagedShard

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MAGIC: Final = b"ICB1"


def new_data_key() -> bytes:
    """A key for one batch."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(key: bytes, content: bytes, bound: bytes) -> bytes:
    """magic, nonce, ciphertext and tag. bound: authenticated with the content, not stored."""
    nonce = os.urandom(_NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(key).encrypt(nonce, content, bound)


def open_sealed(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What was sealed. Raises InvalidTag if one bit differs, or if it was sealed for another place."""
    start = len(_MAGIC) + _NONCE_BYTES
    if sealed[: len(_MAGIC)] != _MAGIC:
        raise InvalidTag
    return AESGCM(key).decrypt(sealed[len(_MAGIC) : start], sealed[start:], bound)


def seal_lines(key: bytes, lines: list[bytes], place: str) -> bytes:
    """A shard: lines without newlines, compressed, sealed for its place."""
    return seal(key, zlib.compress(b"\n".join(lines), level=1), place.encode())


def open_lines(key: bytes, sealed: bytes, place: str) -> list[bytes]:
    """The lines of a shard. Raises DamagedShard."""
    try:
        return zlib.decompress(open_sealed(key, sealed, place.encode())).split(b"\n")
    except InvalidTag:
        raise DamagedShard("A stored shard was changed after it was written.") from None
