"""Who may use a service and from where: the part of the settings that docs/access.md explains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class AccessSettings(BaseModel):
    """Lists are written with commas.

    keys:                 file of API keys
    jwks:                 file or URL of the token issuer's keys; jwt_issuer and jwt_audience are needed then
    jwt_algorithms:       of RS256, ES256 and EdDSA
    jwt_scope_claim:      the claim that lists what a bearer may do
    jwt_scopes:           what its words mean: scope=word, e.g. code=notes.read,batch=notes.batch
    jwt_leeway_seconds:   by which the clocks of issuer and service may differ
    identity_secret:      file with 16 to 64 bytes that key the hashes of token subjects
    insecure_no_auth:     answer anyone, on an address that other machines reach
    metrics_public:       /metrics needs no credential
    allowed_hosts:        names in the Host header that are answered; *.example.org for all below; none: any, but for a
                          service without credentials on loopback only its own
    allowed_origins:      origins whose pages may call the service (CORS)
    behind_tls:           clients reach the service by https: answer with Strict-Transport-Security
    audit_log:            file to append the audit log to
    audit_fsync:          after every line wait for the disk
    """

    keys: Path | None = None
    jwks: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_algorithms: Words = ("RS256", "ES256", "EdDSA")
    jwt_scope_claim: str = "scope"
    jwt_scopes: Words = (
        "code=icd-cascade:code",
        "batch=icd-cascade:batch",
        "admin=icd-cascade:admin",
        "metrics=icd-cascade:metrics",
    )
    jwt_leeway_seconds: float = Field(default=30.0, ge=0, le=300)
    identity_secret: Path | None = None
    insecure_no_auth: bool = False
    metrics_public: bool = False
    allowed_hosts: Words = ()
    allowed_origins: Words = ()
    behind_tls: bool = False
    audit_log: Path | None = None
    audit_fsync: bool = False
