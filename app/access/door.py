"""Who gets in: made of the settings once, before a service starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.access.audit import AuditLog
from app.access.authenticator import Authenticator
from app.access.keyring import Keyring
from app.access.scopes import Scope
from app.errors import UnsafeSetup
from app.settings import Settings, is_loopback

if TYPE_CHECKING:
    from app.access.tokens import TokenVerifier

_SECRET_BYTES: Final = range(16, 65)


@dataclass(frozen=True, slots=True)
class Door:
    """What stands between the network and the routes. authenticator: None answers anyone."""

    authenticator: Authenticator | None
    metrics_public: bool
    audit: AuditLog | None

    def reload(self) -> None:
        """Read the keys again and go on in a new audit file: what SIGHUP asks for. Failures are logged."""
        if self.authenticator is not None:
            self.authenticator.reload()
        if self.audit is not None:
            self.audit.reopen()

    def close(self) -> None:
        """Close the audit log."""
        if self.audit is not None:
            self.audit.close()


def check_setup(settings: Settings) -> None:
    """Raise UnsafeSetup if a service with these settings would refuse to start. Leaves nothing open."""
    _authenticator(settings)


def open_door(settings: Settings) -> Door:
    """Read keys and open the audit log. Raises UnsafeSetup."""
    authenticator = _authenticator(settings)
    audit = None if settings.audit_log is None else AuditLog(settings.audit_log, settings.audit_fsync)
    return Door(authenticator, settings.metrics_public, audit)


def _authenticator(settings: Settings) -> Authenticator | None:
    keyring = None if settings.keys is None else Keyring(settings.keys)
    tokens = None if settings.jwks is None else _verifier(settings)
    if keyring is None and tokens is None:
        _refuse_open(settings)
        return None
    if settings.insecure_no_auth:
        raise UnsafeSetup("--insecure-no-auth contradicts --keys and --jwks: give one or the other.")
    if tokens is None and keyring is not None and not keyring.has_valid():
        raise UnsafeSetup(f"{settings.keys}: holds no valid key, so nobody could come in: icd-cascade keys create.")
    return Authenticator(keyring, tokens)


def _refuse_open(settings: Settings) -> None:
    if is_loopback(settings.host) or settings.insecure_no_auth:
        return
    raise UnsafeSetup(
        f"other machines can reach {settings.host}, and nobody would be asked who they are. Give --keys FILE "
        "(icd-cascade keys create makes one) or --jwks, or bind 127.0.0.1; --insecure-no-auth answers anyone."
    )


def _verifier(settings: Settings) -> TokenVerifier:
    if settings.jwks is None or settings.jwt_issuer is None or settings.jwt_audience is None:
        raise UnsafeSetup(
            "--jwks needs --jwt-issuer and --jwt-audience: tokens for other services must not count here."
        )
    try:
        from app.access.issuer import Issuer
        from app.access.jwks import source_of
        from app.access.tokens import ALGORITHMS, TokenVerifier, Trust
    except ImportError:
        raise UnsafeSetup("--jwks needs the extra: pip install 'icd-cascade[jwt]'.") from None
    if not settings.jwt_algorithms or not set(settings.jwt_algorithms) <= set(ALGORITHMS):
        raise UnsafeSetup(f"jwt_algorithms: must be of {', '.join(ALGORITHMS)}.")
    trust = Trust(
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        algorithms=settings.jwt_algorithms,
        scope_claim=settings.jwt_scope_claim,
        scopes=_meanings(settings.jwt_scopes),
        leeway=settings.jwt_leeway_seconds,
        secret=_secret(settings.identity_secret),
    )
    return TokenVerifier(trust, Issuer(source_of(settings.jwks), settings.jwt_algorithms))


def _meanings(pairs: tuple[str, ...]) -> dict[str, Scope]:
    meanings = {}
    for pair in pairs:
        scope, separator, word = pair.partition("=")
        if scope not in set(Scope) or not (separator and word):
            raise UnsafeSetup(f"jwt_scopes: write scope=word, with a scope of {', '.join(Scope)}.")
        meanings[word] = Scope(scope)
    return meanings


def _secret(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise UnsafeSetup(f"identity_secret: {path}: {error.strerror}.") from None
    if len(secret) not in _SECRET_BYTES:
        raise UnsafeSetup(f"identity_secret: {path}: must hold {_SECRET_BYTES[0]} to {_SECRET_BYTES[-1]} bytes.")
    return secret
