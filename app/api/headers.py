"""Headers of every answer that tell browsers what not to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# An answer of the API is data: nothing in it may run, load or be framed. The review page brings its own policy.
_ALWAYS: Final = {
    "Cache-Control": "no-store",  # answers hold evidence, which is patient text
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}


def security_headers(behind_tls: bool) -> Mapping[str, str]:
    """The headers; what an answer has set itself stays. behind_tls: clients come by https, and are to go on so."""
    return _ALWAYS | _HTTPS_ONLY if behind_tls else _ALWAYS
