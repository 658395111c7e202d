from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError

import pytest

from app.access.jwks import KeySetError, parse_key_set, source_of
from app.access.tokens import ALGORITHMS
from app.errors import UnsafeSetup
from tests.app.access.signing import KIDS, key_set, public_jwk


def test_keys_are_found_by_kid() -> None:
    assert {kid: key.algorithm_name for kid, key in parse_key_set(key_set(), ALGORITHMS).items()} == {
        kid: algorithm for algorithm, kid in KIDS.items()
    }


def test_keys_that_may_not_sign_are_passed_over() -> None:
    content = key_set(
        public_jwk("RS256", kid="for encryption", use="enc"),
        public_jwk("RS256", kid="other algorithm", alg="PS256"),
        public_jwk("RS256", kid="hmac", alg="HS256"),
        public_jwk("weak", kid="1024 bits"),
        public_jwk("ES256"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"},
        {"kty": "EC", "crv": "P-256", "x": "!", "y": "!", "kid": "broken"},
        {"kty": "unknown", "kid": "new"},
        public_jwk("ES256", kid=7),
        public_jwk("EdDSA", kid="good"),
    )
    assert list(parse_key_set(content, ALGORITHMS)) == ["good"]


@pytest.mark.parametrize("entry", [None, 7, "x", []])
def test_entries_that_are_no_keys_are_passed_over(entry: object) -> None:
    assert parse_key_set(json.dumps({"keys": [entry]}).encode(), ALGORITHMS) == {}


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 100_000])
def test_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(KeySetError):
        parse_key_set(content, ALGORITHMS)


def test_file_is_read_by_path_or_url(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set())
    assert source_of(str(path))() == source_of(path.as_uri())() == key_set()


@pytest.mark.parametrize("place", ["http://issuer.example.org/jwks", "http://192.0.2.1/jwks", "ftp://127.0.0.1/jwks"])
def test_url_that_others_could_answer_is_refused(place: str) -> None:
    with pytest.raises(UnsafeSetup, match="https"):
        source_of(place)


@contextmanager
def answering(status: int, content: bytes, **headers: str) -> Iterator[str]:
    """A server on this machine; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks"
        server.shutdown()
        thread.join()


def test_url_is_fetched() -> None:
    with answering(200, key_set()) as url:
        assert source_of(url)() == key_set()


def test_redirect_is_not_followed() -> None:
    with answering(200, key_set()) as elsewhere, answering(302, b"", Location=elsewhere) as url:
        with pytest.raises(HTTPError) as refused:
            source_of(url)()
        refused.value.close()


def test_endless_answer_is_not_read_to_its_end() -> None:
    with answering(200, b" " * 1_000_001) as url, pytest.raises(KeySetError, match="1 MB"):
        source_of(url)()
