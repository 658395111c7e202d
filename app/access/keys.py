"""API keys: icdc_<id>_<secret>. The id is public and finds the entry; only a digest of the key is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.access.limits import NO_LIMITS, CallerLimits
from app.access.scopes import Scope

_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
_WRITTEN: Final = re.compile(r"icdc_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NO_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of one key.

    id:       12 hexadecimal digits, also in the key itself; what audit and limits know a caller by
    name:     the operator's own words for it
    digest:   SHA-256 of the whole key, in hexadecimal
    """

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    limits: CallerLimits = NO_LIMITS

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def mint(
    name: str,
    scopes: Iterable[Scope],
    now: datetime,
    expires: datetime | None = None,
    limits: CallerLimits = NO_LIMITS,
) -> tuple[ApiKey, str]:
    """A new entry, and the key itself, which is not kept: 256 random bits."""
    key_id = secrets.token_hex(_ID_BYTES)
    text = f"icdc_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return ApiKey(key_id, name, digest_of(text), frozenset(scopes), now, expires, limits=limits), text


def digest_of(text: str) -> str:
    """SHA-256 in hexadecimal. A slow hash guards words that people choose; 256 random bits cannot be guessed."""
    return hashlib.sha256(text.encode()).hexdigest()


def id_in(text: str) -> str | None:
    """The id in something written like a key, or None."""
    match = _WRITTEN.fullmatch(text)
    return None if match is None else match[1]


def is_key(text: str, entry: ApiKey | None) -> bool:
    """Whether the text is the key of the entry. Takes as long for no entry as for the wrong one."""
    same = hmac.compare_digest(digest_of(text), _NO_DIGEST if entry is None else entry.digest)
    return same and entry is not None
