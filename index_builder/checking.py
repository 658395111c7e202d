"""Files of artifacts, checked before anyone waits for them: a hash takes a core and nothing else."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from pathlib import Path

from index_builder.errors import ArtifactError
from index_builder.manifest import FileEntry, read_manifest
from index_builder.publish import check_file, folder_of


class EarlyChecks:
    """Begun in the threads that are given, asked for by the loader in its own order."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._begun: dict[tuple[Path, FileEntry], Future[None]] = {}

    def begin(self, artifacts: Path, code_set: str, *, edition: str | None = None, index: str | None = None) -> None:
        """Begin with all files of an artifact, named as for `folder_of`. What cannot be read is left to the loader."""
        try:
            folder = folder_of(artifacts, code_set, edition=edition, index=index)
            files = read_manifest(folder).files
        except (ArtifactError, OSError):
            return
        for name, entry in sorted(files.items()):
            if (folder / name, entry) not in self._begun:
                self._begun[folder / name, entry] = self._threads.submit(check_file, folder / name, entry)

    def check(self, path: Path, entry: FileEntry) -> None:
        """As `check_file`: what has begun is waited for, and raises here."""
        begun = self._begun.get((path, entry))
        if begun is None:
            check_file(path, entry)
        else:
            begun.result()

    def forget(self) -> None:
        """What has begun, so that files are read again for who asks later."""
        self._begun.clear()
