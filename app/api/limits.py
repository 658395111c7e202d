"""The limits of the contract, in one place. The schemas, the body guard and /v1/info read them."""

from __future__ import annotations

from typing import Final

BODY_BYTES: Final = 4_000_000
JSON_DEPTH: Final = 32
JSON_MEMBERS: Final = 50_000  # commas outside strings: bounds the objects that parsing may create
NOTE_CHARACTERS: Final = 200_000
DOCUMENTS: Final = 100
BATCH_NOTES: Final = 64
INTERACTIVE_NOTES: Final = 4  # a larger batch waits in the bulk lane
TOP_K: Final = 200
WITHIN_PREFIXES: Final = 100
PREFIX_CHARACTERS: Final = 8
LABEL_CHARACTERS: Final = 128
QUERY_CHARACTERS: Final = 200
SEARCH_RESULTS: Final = 100
REPORTED_ERRORS: Final = 20
