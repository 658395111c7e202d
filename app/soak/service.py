"""A service of its own for a soak: another process, as a client meets it, on a free port."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from app.errors import NotLoaded

_STOP_SECONDS: Final = 90  # the service answers what is in flight first


@contextmanager
def own_service(flags: Sequence[str]) -> Iterator[str]:
    """The URL of `icd-cascade serve` with these flags, once it is ready; at the end it is told to stop.

    Raises NotLoaded with the last line that the service wrote if it does not become ready.
    """
    command = [sys.executable, "-m", "app.cli.main", "serve", "--port", "0", *flags]
    with (
        tempfile.TemporaryDirectory() as state,
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            [*command, "--backlog-folder", state], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = process.stdout.readline().split()
            if not ready:
                process.wait(_STOP_SECONDS)
                log.seek(0)
                raise NotLoaded(f"The service did not start: {(log.read().splitlines() or ['it said nothing'])[-1]}")
            yield ready[-1]
        finally:
            process.terminate()
            _wait(process)


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
