"""Where the public keys of a token issuer come from: a file, or a URL (RFC 7517)."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable
from email.message import Message
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from app.errors import UnsafeSetup
from app.settings import is_loopback

Source = Callable[[], bytes]
_TIMEOUT_SECONDS: Final = 5.0
_LARGEST: Final = 1_000_000
_RSA_BITS: Final = 2048
_ASYMMETRIC: Final = ("RSA", "EC", "OKP")


class KeySetError(Exception):
    """The answer of the source is no key set."""


def source_of(place: str) -> Source:
    """Reads a file or a URL, blocking. Raises UnsafeSetup for a URL that anyone on the way could answer."""
    parts = urlsplit(place)
    if parts.scheme in ("", "file"):
        path = Path(parts.path if parts.scheme else place)
        return path.read_bytes
    local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if parts.scheme != "https" and not local:
        raise UnsafeSetup("jwks: a URL must begin with https; http is for this machine only.")
    return lambda: _fetch(place)


def parse_key_set(content: bytes, algorithms: Iterable[str]) -> dict[str, PyJWK]:
    """The keys that may sign tokens, by kid: public, asymmetric, for one of the algorithms, RSA of 2,048 bits or more.

    Others in the set are passed over, as RFC 7517, section 5 asks for. Raises KeySetError if it is no key set.
    """
    try:
        entries = list(json.loads(content)["keys"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeySetError("not a JSON Web Key Set") from None
    allowed = frozenset(algorithms)
    found: dict[str, PyJWK] = {}
    for entry in entries:
        if (key := _usable(entry, allowed)) is not None and key.key_id is not None:
            found.setdefault(key.key_id, key)
    return found


def _usable(entry: Any, allowed: frozenset[str]) -> PyJWK | None:
    named = isinstance(entry, dict) and entry.get("kty") in _ASYMMETRIC and isinstance(entry.get("kid"), str)
    if not named or entry.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in entry.items() if name != "d"}
    try:
        key = PyJWK(public)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS:
        return None
    return key if key.algorithm_name in allowed else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could lead from https to anywhere."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None  # becomes an HTTPError


def _fetch(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_SECONDS) as answer:
        content: bytes = answer.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise KeySetError("more than 1 MB")
    return content
