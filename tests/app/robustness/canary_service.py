"""The service as `icd-cascade serve` runs it, set up by the environment, with a coder that takes its time.

Usage: canary_service FOLDER_OF_THE_CATALOG
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.api.application import create_app
from app.pipeline.coding import Coding
from app.pipeline.note import CodingOptions, Note
from app.serving.logs import configure_logging
from app.serving.server import serve
from app.settings import Settings
from index_builder.catalog import Catalog
from tests.app.fakes import FakeCoder, few_codes

NOTE_SECONDS = 0.015  # a backlog is killed between its shards


class SteadyCoder(FakeCoder):
    def code(self, notes: Sequence[Note], options: Sequence[CodingOptions]) -> list[Coding]:
        time.sleep(NOTE_SECONDS * len(notes))
        return super().code(notes, options)


def say(url: str) -> None:
    sys.stdout.write(url + "\n")
    sys.stdout.flush()


def catalog_in(folder: Path) -> Catalog:
    """Written by the first process; the next ones find it."""
    path = folder / "catalog.sqlite"
    return Catalog.open(path) if path.exists() else few_codes(folder)


if __name__ == "__main__":
    configure_logging()
    coder = SteadyCoder(catalog_in(Path(sys.argv[1])))
    application = create_app(Settings.from_environment(os.environ), lambda: coder)
    sys.exit(asyncio.run(serve(application, "127.0.0.1", 0, say)))
