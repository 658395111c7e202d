"""From a credential to a caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.access.caller import Caller, Means
from app.access.keyring import Keyring
from app.access.keys import id_in
from app.errors import Unauthenticated

if TYPE_CHECKING:
    from app.access.tokens import TokenVerifier  # of the extra [jwt]: a service without it must start

_INVALID: Final = "The credential is not valid here: unknown, expired, revoked, or made for another service."


class Authenticator:
    """Takes keys, tokens, or both."""

    def __init__(self, keyring: Keyring | None, tokens: TokenVerifier | None) -> None:
        self._keyring = keyring
        self._tokens = tokens

    async def recognise(self, credential: str) -> Caller:
        """Whose credential this is. Raises Unauthenticated, or AccessUnavailable if tokens cannot be checked now."""
        caller = self._by_key(credential)
        if caller is None and self._tokens is not None and id_in(credential) is None:
            caller = await self._tokens.verify(credential)
        if caller is None:
            raise Unauthenticated.refused(_INVALID)
        return caller

    def reload(self) -> bool:
        """Read the file of keys again; returns whether that went well."""
        return self._keyring is None or self._keyring.reload()

    def _by_key(self, credential: str) -> Caller | None:
        entry = None if self._keyring is None else self._keyring.find(credential)
        return None if entry is None else Caller(entry.id, entry.scopes, entry.limits, Means.KEY)
