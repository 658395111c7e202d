"""Blobs as files of one folder: the default, and the way of replicas that share one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.errors import BacklogUnavailable

_TEMPORARY: Final = ".new"
_TRIES: Final = 20


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn what the file system says into BacklogUnavailable. Its messages name paths, so none is kept."""
    try:
        yield
    except OSError as error:
        raise BacklogUnavailable("The folder of batches cannot be read or written now, or is full.") from error


class FolderStore:
    """Temporary file, fsync, rename or link, fsync of the folder. Readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._make()

    @_reachable()
    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @_reachable()
    def put(self, name: str, content: bytes) -> None:
        """Write, or replace at once."""
        with self._written(name, content) as temporary:
            os.replace(temporary, self._folder / name)

    @_reachable()
    def put_new(self, name: str, content: bytes) -> bool:
        """Write unless the name is taken: a link fails where a rename would replace."""
        with self._written(name, content) as temporary:
            try:
                os.link(temporary, self._folder / name)
            except FileExistsError:
                return False
        return True

    @_reachable()
    def get(self, name: str) -> bytes | None:
        """The content, or None."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    @_reachable()
    def names(self, prefix: str) -> list[str]:
        """All names below a prefix."""
        root = f"{self._folder}{os.sep}"
        found = (
            os.path.join(place, file)[len(root) :].replace(os.sep, "/")
            for place, _, files in os.walk(root + prefix.rpartition("/")[0])
            for file in files
            if not file.endswith(_TEMPORARY)
        )
        return sorted(name for name in found if name.startswith(prefix))

    def contents(self, prefix: str) -> dict[str, bytes]:
        """All blobs below a prefix."""
        found = ((name, self.get(name)) for name in self.names(prefix))
        return {name: content for name, content in found if content is not None}

    @_reachable()
    def delete(self, prefix: str) -> None:
        """Remove a file, or a folder with all that is in it, also while another thread writes or removes there.

        Of one who goes on writing for all tries something may stay; a deleted batch is swept again.
        """
        path = self._folder / prefix
        if not prefix.endswith("/"):
            path.unlink(missing_ok=True)
            return
        for _ in range(_TRIES):
            if _removed(path):
                return

    def close(self) -> None:
        """Nothing is held."""

    @contextmanager
    def _written(self, name: str, content: bytes) -> Iterator[Path]:
        """A complete temporary file beside the name; after the caller has moved it, the folder is synchronised."""
        target = self._folder / name
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
        _synchronise(target.parent)


def _removed(path: Path) -> bool:
    """Remove a folder; whether it is gone: False when something was written into it meanwhile."""
    for place, _, files in os.walk(path, topdown=False):
        for file in files:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(place, file))
        try:
            os.rmdir(place)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
    return True


def _synchronise(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
