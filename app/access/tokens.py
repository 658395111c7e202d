"""OAuth 2.0 access tokens in the form of JWTs (RFC 7519, RFC 9068), checked as RFC 8725 recommends."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from app.access.caller import Caller, Means
from app.access.issuer import Issuer
from app.access.scopes import Scope

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_LONGEST: Final = 16_384
_REQUIRED: Final = ["exp", "iss", "aud"]
_SUBJECTS: Final = ("sub", "client_id", "azp")


@dataclass(frozen=True, slots=True)
class Trust:
    """Which tokens are taken.

    scope_claim:   the claim that lists what the bearer may do: words in one string, or a list of strings
    scopes:        what the words of that claim mean here
    leeway:        seconds by which the clocks of issuer and service may differ
    secret:        keys the hash of issuer and subject that stands for a caller
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    scope_claim: str
    scopes: Mapping[str, Scope]
    leeway: float
    secret: bytes = field(default=b"", repr=False)


class TokenVerifier:
    """Turns a token into the caller whom it speaks of."""

    def __init__(self, trust: Trust, issuer: Issuer) -> None:
        self._trust = trust
        self._issuer = issuer

    async def verify(self, token: str) -> Caller | None:
        """The caller, or None if the token is not to be trusted. Raises AccessUnavailable without the issuer's keys.

        The algorithm is that of the issuer's key, never the token's own choice (RFC 8725, section 3.1).
        """
        kid = self._kid(token)
        key = None if kid is None else await self._issuer.key(kid)
        if key is None:
            return None
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._trust.issuer,
                audience=self._trust.audience,
                leeway=self._trust.leeway,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            return None
        return self._caller(claims)

    def _kid(self, token: str) -> str | None:
        """Which key the token names; None if it cannot be one that is taken. No key is asked for then."""
        if len(token) > _LONGEST:
            return None
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        kid = header.get("kid")
        return kid if isinstance(kid, str) and header.get("alg") in self._trust.algorithms else None

    def _caller(self, claims: Mapping[str, Any]) -> Caller | None:
        subjects = [claims[name] for name in _SUBJECTS if isinstance(claims.get(name), str) and claims[name]]
        if not subjects:
            return None
        return Caller(self._id(subjects[0]), self._scopes(claims.get(self._trust.scope_claim)), means=Means.TOKEN)

    def _id(self, subject: str) -> str:
        # Subjects may be names or addresses of staff: they do not go into logs as they are.
        whole = f"{self._trust.issuer}\0{subject}".encode()
        return "jwt-" + hashlib.blake2b(whole, digest_size=12, key=self._trust.secret).hexdigest()

    def _scopes(self, granted: Any) -> frozenset[Scope]:
        words = granted.split() if isinstance(granted, str) else granted
        if not isinstance(words, list):
            return frozenset()
        known = self._trust.scopes
        return frozenset(known[word] for word in words if isinstance(word, str) and word in known)
