from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from app.access.caller import Caller, Means
from app.access.issuer import Issuer
from app.access.scopes import Scope
from app.access.tokens import ALGORITHMS, TokenVerifier, Trust
from app.errors import AccessUnavailable
from tests.app.access.signing import AUDIENCE, ISSUER, claims, key_set, private, public_jwk, sign

SCOPES = {"code.use": Scope.CODE, "batch.use": Scope.BATCH}


def verifier(algorithms: tuple[str, ...] = ALGORITHMS, secret: bytes = b"", keys: bytes | None = None) -> TokenVerifier:
    trust = Trust(ISSUER, AUDIENCE, algorithms, "scope", SCOPES, 30.0, secret)
    content = key_set() if keys is None else keys
    return TokenVerifier(trust, Issuer(lambda: content, algorithms))


def verify(token: str, by: TokenVerifier | None = None) -> Caller | None:
    return asyncio.run((by or verifier()).verify(token))


def good(**changed: Any) -> dict[str, Any]:
    return claims(time.time(), **changed)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_of_the_issuer_is_taken(algorithm: str) -> None:
    caller = verify(sign(good(), algorithm))
    assert caller is not None
    assert (caller.scopes, caller.means) == (frozenset({Scope.CODE}), Means.TOKEN)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": time.time() - 120},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": time.time() + 600},
        {"iat": time.time() + 600},
        {"aud": "another-service"},
        {"aud": ["another-service", "a-third"]},
        {"aud": None},
        {"iss": "https://issuer.example.org.evil.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
def test_token_with_other_claims_is_not_taken(changed: dict[str, Any]) -> None:
    assert verify(sign(good(**changed))) is None


@pytest.mark.parametrize(("claim", "ahead"), [("exp", -5), ("nbf", 5), ("iat", 5)])
def test_clocks_may_differ_by_the_leeway(claim: str, ahead: int) -> None:
    assert verify(sign(good(**{claim: time.time() + ahead}))) is not None  # now: collecting may be minutes ago


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_unsigned_token_is_not_taken() -> None:
    for alg in ("none", "None", "NONE", ""):
        head = part({"alg": alg, "typ": "JWT", "kid": "rsa-1"})
        assert verify(f"{head}.{part(good())}.") is None


@pytest.mark.parametrize("kid", ["rsa-1", "ec-1", "ed-1"])
def test_public_key_is_no_secret_of_an_hmac(kid: str) -> None:
    public = private("RS256").public_key()
    encodings = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(good())}"
    for secret in (public.public_bytes(*encodings), json.dumps(public_jwk("RS256")).encode()):
        mac = base64.urlsafe_b64encode(hmac.digest(secret, body.encode(), hashlib.sha256)).rstrip(b"=").decode()
        assert verify(f"{body}.{mac}") is None


def test_symmetric_key_in_the_key_set_signs_nothing() -> None:
    secret = base64.urlsafe_b64encode(b"s" * 32).rstrip(b"=").decode()
    keys = key_set({"kty": "oct", "k": secret, "kid": "mac-1", "alg": "HS256"})
    assert verify(sign(good(), "HS256", b"s" * 32, kid="mac-1"), verifier(keys=keys)) is None


def test_key_of_one_algorithm_signs_for_no_other() -> None:
    assert verify(sign(good(), "ES256", kid="rsa-1")) is None
    assert verify(sign(good(), "PS256", private("RS256"), kid="rsa-1")) is None
    assert verify(sign(good(), "RS256"), verifier(algorithms=("ES256",))) is None


@pytest.mark.parametrize("headers", [{"kid": "rsa-2"}, {"kid": None}])
def test_token_of_an_unknown_key_is_not_taken(headers: dict[str, Any]) -> None:
    assert verify(sign(good(), **headers)) is None


def test_key_that_a_token_brings_along_is_not_used() -> None:
    mine = public_jwk("other", kid="rsa-1")
    assert verify(sign(good(), "RS256", private("other"), jwk=mine, jku="https://evil.example/jwks")) is None


def test_changed_token_is_not_taken() -> None:
    head, body, signature = sign(good()).split(".")
    other = part(good(scope="code.use batch.use"))
    assert verify(f"{head}.{other}.{signature}") is None
    assert verify(f"{head}.{body}") is None
    assert verify(sign(good(padding="x" * 20_000))) is None


@given(text=st.text(max_size=200))
def test_anything_else_is_not_taken_and_asks_for_no_key(text: str) -> None:
    def fail() -> bytes:
        raise AssertionError

    trust = Trust(ISSUER, AUDIENCE, ALGORITHMS, "scope", SCOPES, 30.0)
    assert verify(text, TokenVerifier(trust, Issuer(fail, ALGORITHMS))) is None


@given(
    body=st.dictionaries(
        st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "scope"]),
        st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(st.integers()),
    )
)
def test_no_claim_breaks_the_verifier(body: dict[str, Any]) -> None:
    token = f"{part({'alg': 'EdDSA', 'kid': 'ed-1'})}.{part(body)}"
    signature = base64.urlsafe_b64encode(private("EdDSA").sign(token.encode())).rstrip(b"=").decode()
    assert verify(f"{token}.{signature}") is None


@pytest.mark.parametrize(
    ("granted", "scopes"),
    [
        ("code.use batch.use openid", {Scope.CODE, Scope.BATCH}),
        (["batch.use", 7, None], {Scope.BATCH}),
        ("code", set()),
        ("", set()),
        (None, set()),
        ({"code.use": True}, set()),
        (7, set()),
    ],
)
def test_words_of_the_scope_claim_mean_what_was_set(granted: Any, scopes: set[Scope]) -> None:
    caller = verify(sign(good(scope=granted)))
    assert caller is not None
    assert caller.scopes == scopes


def test_subject_becomes_a_hash_that_the_secret_keys() -> None:
    plain, again = verify(sign(good())), verify(sign(good(), "ES256"))
    other, keyed = verify(sign(good(sub="bert"))), verify(sign(good()), verifier(secret=b"k" * 32))
    client = verify(sign(good(sub=None, client_id="anna@example.org")))
    assert plain is not None and again is not None and other is not None and keyed is not None and client is not None
    assert plain.id == again.id == client.id
    assert len({plain.id, other.id, keyed.id}) == 3
    assert plain.id.startswith("jwt-")
    assert "anna" not in plain.id


def test_token_cannot_be_judged_without_the_issuers_keys() -> None:
    def fail() -> bytes:
        raise OSError

    trust = Trust(ISSUER, AUDIENCE, ALGORITHMS, "scope", SCOPES, 30.0)
    with pytest.raises(AccessUnavailable):
        verify(sign(good()), TokenVerifier(trust, Issuer(fail, ALGORITHMS)))


def test_secret_is_not_shown() -> None:
    assert "hush" not in repr(Trust(ISSUER, AUDIENCE, ALGORITHMS, "scope", SCOPES, 30.0, b"hush" * 8))
