"""Flags of `serve` that say who may use the service and from where. docs/access.md explains them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_access_flags(parser: argparse.ArgumentParser) -> None:
    """Keys, tokens, hosts and origins, audit log. What is not given stays None: the environment may say it."""
    group = parser.add_argument_group(
        "access", "without --keys and --jwks only 127.0.0.1 is bound, and anyone is answered"
    )
    _add_credentials(group)
    _add_surroundings(group)


def _add_credentials(group: Any) -> None:
    group.add_argument("--keys", type=Path, metavar="FILE", help="API keys; `icd-cascade keys create` makes the file")
    group.add_argument("--jwks", metavar="FILE|URL", help="take JWTs signed by these keys; needs the extra [jwt]")
    group.add_argument("--jwt-issuer", metavar="NAME", help="iss that tokens must have")
    group.add_argument("--jwt-audience", metavar="NAME", help="aud that tokens must have: this service")
    group.add_argument("--jwt-algorithms", metavar="LIST", help="default: RS256,ES256,EdDSA")
    group.add_argument("--jwt-scope-claim", metavar="NAME", help="claim that lists the rights (default: scope)")
    group.add_argument("--jwt-scopes", metavar="LIST", help="what its words mean: code=word,batch=word,...")
    group.add_argument("--identity-secret", type=Path, metavar="FILE", help="keys the hashes of token subjects")
    group.add_argument(
        "--insecure-no-auth", action="store_true", default=None, help="answer anyone, on any address: for tests only"
    )


def _add_surroundings(group: Any) -> None:
    group.add_argument(
        "--metrics-public", action="store_true", default=None, help="answer /metrics without a credential"
    )
    group.add_argument("--allowed-hosts", metavar="LIST", help="names in the Host header that are answered")
    group.add_argument("--allowed-origins", metavar="LIST", help="origins whose pages may call the service (CORS)")
    group.add_argument(
        "--behind-tls", action="store_true", default=None, help="a proxy ends TLS: send Strict-Transport-Security"
    )
    group.add_argument("--audit-log", type=Path, metavar="FILE", help="append one JSON line per action to this file")
    group.add_argument("--audit-fsync", action="store_true", default=None, help="wait for the disk after every line")
