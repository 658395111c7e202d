"""A token issuer of the tests: keys made here, tokens signed by them, and its key set."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER: Final = "https://issuer.example.org"
AUDIENCE: Final = "icd-cascade"
NOW: Final = 1_795_000_000  # tokens of these tests live around now, in seconds since 1970
KIDS: Final = {"RS256": "rsa-1", "ES256": "ec-1", "EdDSA": "ed-1"}


@cache
def private(name: str) -> Any:
    """The private key of this name, the same in every test."""
    if name == "weak":
        return rsa.generate_private_key(65537, 1024)
    if name in ("RS256", "other"):
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if name == "ES256" else ed25519.Ed25519PrivateKey.generate()


def public_jwk(name: str, **fields: Any) -> dict[str, Any]:
    """The public key of this name as a JWK."""
    writers: dict[str, Any] = {"ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
    jwk: dict[str, Any] = json.loads(writers.get(name, RSAAlgorithm).to_jwk(private(name).public_key()))
    return {name: value for name, value in jwk.items() if name != "key_ops"} | fields


def key_set(*jwks: dict[str, Any]) -> bytes:
    """A key set of these keys; by default one for each algorithm."""
    default = [public_jwk(algorithm, kid=kid, use="sig") for algorithm, kid in KIDS.items()]
    return json.dumps({"keys": list(jwks) or default}).encode()


def claims(now: float, **changed: Any) -> dict[str, Any]:
    """Claims that are taken, but for what is changed; None leaves a claim out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna@example.org", "iat": now, "exp": now + 60, "scope": "code.use"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def sign(body: dict[str, Any], algorithm: str = "RS256", key: Any = None, **headers: Any) -> str:
    """A token. headers: kid, for example; None leaves it out."""
    given = {"kid": KIDS.get(algorithm)} | headers
    wanted = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(body, private(algorithm) if key is None else key, algorithm=algorithm, headers=wanted)
