"""The output folder: a manifest of what the run was begun with, and a file for every part that is answered.

_manifest.json        inputs by hash, versions, options; another run is refused
part-000012.parquet   answers, whole or not there
_summary.json         counts, once every part is there
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

from app.backlog.files.answers import OK, TEMPORARY, marks_of
from app.backlog.files.parts import Part
from app.backlog.files.worker import clear_begun
from app.errors import RunRefused

MANIFEST: Final = "_manifest.json"
SUMMARY: Final = "_summary.json"
_LOCK: Final = ".lock"


class RunFolder:
    """The folder of one run. manifest: what makes it this run, in JSON values."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self._manifest = manifest
        self.digest = hashlib.sha256(_written(manifest)).hexdigest()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for this process, begun or resumed. Raises RunRefused, which says what differs."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunRefused(f"Another process writes to {self.path}.") from None
            self._begin()
            yield

    def missing(self, parts: Sequence[Part]) -> list[Part]:
        """The parts without a file, or with one that cannot be read."""
        wanted = {part.file: part for part in parts}
        done = {path.name for path in self._files() if self._is_ours(path, wanted.get(path.name))}
        return [part for part in parts if part.file not in done]

    def close(self, parts: Sequence[Part]) -> dict[str, int]:
        """Count what is there once every part is, and note it. Counts by status, and of all notes."""
        counts: dict[str, int] = {"notes": 0, "coded": 0}
        for part in parts:
            for status in parquet.read_table(self.path / part.file, columns=["status"])["status"].to_pylist():
                counts["notes"] += 1
                name = "coded" if status == OK else f"status {status}"
                counts[name] = counts.get(name, 0) + 1
        _write(self.path / SUMMARY, counts)
        return counts

    def _begin(self) -> None:
        path = self.path / MANIFEST
        if not path.exists():
            if any(self._files()):
                raise RunRefused(f"{self.path} holds answers and no {MANIFEST}: name another folder.")
            _write(path, self._manifest)
        elif (before := _read(path)) != json.loads(_written(self._manifest)):
            raise RunRefused(
                f"{self.path} was begun with other {_difference(before, self._manifest)}: answers are not mixed. "
                "Name another folder, or give what it was begun with."
            )
        clear_begun(self.path)
        for hidden in self.path.glob(f"{TEMPORARY}*"):
            hidden.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self.path.glob("part-*.parquet"))

    def _is_ours(self, path: Path, part: Part | None) -> bool:
        marks = marks_of(path)
        if marks is None:
            return False  # written again
        if part is None or marks.get("icd_cascade.run") != self.digest:
            raise RunRefused(f"{path.name} is of another run: answers are not mixed.")
        return True


def _difference(before: Any, now: Mapping[str, Any]) -> str:
    if not isinstance(before, dict):
        return "software"
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return " and ".join(names)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        raise RunRefused(f"{path} cannot be read.") from None


def _written(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, indent=1, sort_keys=True).encode() + b"\n"


def _write(path: Path, values: Mapping[str, Any]) -> None:
    hidden = path.with_name(f"{TEMPORARY}{path.name}")
    with hidden.open("wb") as file:
        file.write(_written(values))
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(path)
