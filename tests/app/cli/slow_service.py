"""A service in a process of its own whose coder takes half a second per note.

Usage: slow_service FOLDER [DRAIN_SECONDS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.api.application import create_app
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from app.serving.server import serve
from app.settings import Settings
from tests.app.fakes import FakeCoder, few_codes


class SlowCoder(FakeCoder):
    """Says on standard error when it begins."""

    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        sys.stderr.write("begun\n")
        sys.stderr.flush()
        time.sleep(0.5)
        return super().code(notes, options)


def open_coder() -> SlowCoder:
    """Opens, or fails if the folder is missing."""
    return SlowCoder(few_codes(Path(sys.argv[1])))


def say(url: str) -> None:
    sys.stdout.write(url + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    drain_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    sys.exit(asyncio.run(serve(create_app(Settings(), open_coder), "127.0.0.1", 0, say, drain_seconds)))
