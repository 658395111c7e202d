"""One line of a batch: what is asked, and what is answered. Lines of ndjson, without their newlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from app.backlog.limits import CUSTOM_ID_CHARACTERS
from app.errors import BodyTooLarge, FieldError

ENDPOINT: Final = "/v1/code"
_ENVELOPE: Final = frozenset({"custom_id", "method", "url", "body"})
_BAD_ID: Final = f"custom_id must be a string of 1 to {CUSTOM_ID_CHARACTERS} characters without NUL or lone surrogates."


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read. fault: why it cannot be answered, in our own words; body is None then."""

    custom_id: str | None = field(default=None, repr=False)
    body: dict[str, Any] | None = field(default=None, repr=False)
    fault: str | None = None


def read_line(raw: bytes) -> Line:
    """`{"custom_id": "...", "body": {...}}`, with OpenAI's `method` and `url` if they fit. Never raises."""
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):  # ValueError: no UTF-8, no JSON, or a number of thousands of digits
        return Line(fault="The line is not valid JSON.")
    return to_line(values)


def to_line(values: Any) -> Line:
    """As `read_line`, of what the JSON holds."""
    if not isinstance(values, dict):
        return Line(fault="The line must be an object with custom_id and body.")
    custom_id = values.get("custom_id")
    if not _is_custom_id(custom_id):
        return Line(fault=_BAD_ID)
    return Line(custom_id, **_body_or_fault(values))


def answer_line(index: int, custom_id: str | None, status: int, request_id: str, body: str) -> bytes:
    """A line of the results with an answer; body is JSON."""
    response = f'{{"status_code":{status},"request_id":{json.dumps(request_id)},"body":{body}}}'
    return f'{{"index":{index},"custom_id":{json.dumps(custom_id)},"response":{response},"error":null}}'.encode()


def error_line(index: int, custom_id: str | None, code: str, message: str) -> bytes:
    """A line of the results without an answer."""
    error = {"code": code, "message": message}
    return json.dumps({"index": index, "custom_id": custom_id, "response": None, "error": error}).encode()


def succeeded(answer: bytes) -> bool:
    """Whether a line of the results holds codes. What stands before the answer is ours."""
    response = json.loads(answer)["response"]
    return response is not None and response["status_code"] == 200


class LineSplitter:
    """Cuts an upload into lines as it comes; holds no more than the line that has not ended."""

    def __init__(self, line_bytes: int) -> None:
        self._line_bytes = line_bytes
        self._rest = bytearray()
        self._seen = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that end in this chunk. Blank lines are left out. Raises BodyTooLarge."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._extend(part)
            yield from self._take()
        self._extend(rest)

    def finish(self) -> Iterator[bytes]:
        """The last line, if it did not end with a newline."""
        yield from self._take()

    def _extend(self, part: bytes) -> None:
        if len(self._rest) + len(part) > self._line_bytes:
            message = f"The line may have at most {self._line_bytes:,} bytes."
            raise BodyTooLarge(message, FieldError(f"requests.{self._seen}", message, self._line_bytes))
        self._rest += part

    def _take(self) -> Iterator[bytes]:
        line = bytes(self._rest).strip()
        self._rest.clear()
        if line:
            self._seen += 1
            yield line


def _is_custom_id(value: Any) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= CUSTOM_ID_CHARACTERS or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _body_or_fault(values: dict[str, Any]) -> dict[str, Any]:
    if not values.keys() <= _ENVELOPE:
        return {"fault": "The line holds a field that is not part of the contract."}
    if values.get("method", "POST") != "POST" or values.get("url", ENDPOINT) != ENDPOINT:
        return {"fault": f"method and url, if given, must be POST and {ENDPOINT}."}
    if not isinstance(values.get("body"), dict):
        return {"fault": "body must be an object."}
    return {"body": values["body"]}
